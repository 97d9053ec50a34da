# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Disagreements between sources
#
# **Question.** A tie has two sides, and each has documents of its own. Where do they agree about the year and the kind of a tie, where do
# they differ, and where is one side silent? Which statements does the curator doubt, and why?
#
# **Data.** The stored queries `reciprocity` (what documents of İzmir, of the partner, and of third parties state about each tie),
# `differing-statements` (two values where one is possible) and `assessed-statements` (the curator's verdicts). Every
# statement in the graph keeps the document that makes it, so all three are plain queries.

# %%
import os

import matplotlib.pyplot as plt
import pandas as pd

from citygraph.client import Graph

graph = Graph(os.environ.get("CITYGRAPH_URL", "http://127.0.0.1:8000"))
plt.style.use("print.mplstyle")

reciprocity = graph.run("reciprocity", city="city:izmir").pandas()
differing = graph.run("differing-statements").pandas()
assessed = graph.run("assessed-statements").pandas()
reciprocity[["partners", "year", "ownYears", "partnerYears", "otherYears"]].head()

# %% [markdown]
# ## Method
#
# 1. A document belongs to a side if its publisher governs the place or has its seat there, and is not a medium. Newspapers and
#    ministries are third parties.
# 2. A side may state several years for one tie: that of the council act and that of the protocol. The sides agree if they have one
#    year in common. The same holds for the kind.
# 3. A side without any year is silent. Silence is not a disagreement.

# %%
SIDES = {"ownYears": "İzmir", "partnerYears": "partner", "otherYears": "third parties"}
years = reciprocity.drop(columns="year").melt(["agreement", "partners"], list(SIDES), "side", "year")
years["side"] = years["side"].map(SIDES)
years["year"] = years["year"].fillna("").str.split("; ")
years = years.explode("year")
years = years[years["year"] != ""].astype({"year": int})
sides = years.groupby("agreement")["side"].nunique()
compared = years[years["agreement"].isin(sides[sides > 1].index)]
verdicts = pd.DataFrame({about: reciprocity[about].value_counts() for about in ("year", "kind")})
verdicts = verdicts.reindex(["agreement", "difference", "silence"]).fillna(0).astype(int)
verdicts

# %%
# Three heights in the row of a tie, so that equal years do not hide each other.
OFFSETS = {"İzmir": -0.22, "partner": 0.0, "third parties": 0.22}
MARKS = {"İzmir": ("o", "#0072B2"), "partner": ("s", "#D55E00"), "third parties": ("D", "#777777")}
order = compared.groupby(["agreement", "partners"])["year"].min().sort_values(ascending=False, kind="stable").index
places = {agreement: place for place, (agreement, _) in enumerate(order)}

# %% [markdown]
# ## Figure

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(6.7, 4.4), gridspec_kw={"width_ratios": [2.1, 1], "wspace": 0.08})

for place in range(0, len(order), 2):
    left.axhspan(place - 0.5, place + 0.5, color="#f3f3f3", linewidth=0)
for side, (marker, colour) in MARKS.items():
    rows = compared[compared["side"] == side]
    heights = rows["agreement"].map(places) - OFFSETS[side]
    left.plot(rows["year"], heights, marker, color=colour, markersize=4.5, label=side, linewidth=0)
names = [
    f"{partner} ≠" if reciprocity.set_index("agreement").loc[agreement, "year"] == "difference" else partner
    for agreement, partner in order
]
left.set_yticks(range(len(order)), names)
left.tick_params(axis="y", length=0)
left.spines["left"].set_visible(False)
left.set_ylim(-0.6, len(order) - 0.4)
left.grid(axis="x")
left.set_xlabel("year of an act, a protocol or a beginning")
left.set_title("a  Years by the documents of each side")
left.legend(loc="upper center", bbox_to_anchor=(0.42, -0.14), ncols=3, columnspacing=1, handletextpad=0.3)

SHADES = {"agreement": "#009E73", "difference": "#D55E00", "silence": "#d8d8d8"}
labels = {"agreement": "agree", "difference": "differ", "silence": "a side is silent"}
bottom = pd.Series(0, index=verdicts.columns)
for verdict, row in verdicts.iterrows():
    right.bar(["the year", "the kind"], row, bottom=bottom, color=SHADES[verdict], width=0.62)
    for place, (about, number) in enumerate(row.items()):
        if number:
            right.text(
                place,
                bottom[about] + number / 2,
                str(number),
                ha="center",
                va="center",
                fontsize=8,
                color="black" if verdict == "silence" else "white",
            )
    bottom = bottom + row
right.legend(
    [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in reversed(SHADES.values())],
    [labels[name] for name in reversed(SHADES)],
    loc="upper center",
    bbox_to_anchor=(0.4, -0.06),
    fontsize=7.5,
)
right.set_ylabel("agreements of İzmir")
right.set_title("b  Do both sides agree?")
figure.savefig("disagreements-between-sources.pdf")

# %% [markdown]
# ## The cases
#
# Values of one statement that differ between documents. Most are a matter of precision: *1986* and *28 April 1986* do not contradict
# each other.

# %%
cases = differing.assign(property=differing["property"].str.rpartition("#")[2])
cases[["entityLabel", "property", "value", "otherValue", "difference"]]

# %% [markdown]
# The statements that the curator doubts, with the reason and the documents that contradict them:

# %%
doubts = assessed[assessed["property"].str.contains("protocolDate|councilActDate|agreementType|state$")]
doubts = doubts.assign(statement=doubts["property"].str.rpartition("#")[2])
print(assessed["verdict"].value_counts().to_string())
doubts[["entityLabel", "statement", "verdict", "reason", "evidence"]]

# %% [markdown]
# ## Reading
#
# Silence is by far the most frequent case: for most ties, only İzmir's documents state a year. Of the four ties that both cities date, two
# differ. Bremen counts from the framework agreement of March 1995, İzmir from the act of 1993 and a protocol of April
# 1996. Xiamen counts from 2018, when the tie was established, İzmir from its council's act of 2012. With Turin, the years agree, and
# the kind does not: a sister city for İzmir, a cooperation agreement for Turin.
#
# ## Limits
#
# - The graph has the documents that were found, in 18 languages. A partner who is silent here may have written elsewhere. `evidence-of-ties`
#   counts the searches.
# - Third parties are often not independent: a newspaper repeats a municipality's press release.
# - Agreement on a year is a weak test, since one common year of several is enough.
#
# ## Citation

# %%
print(graph.cite("reciprocity", city="city:izmir"))
