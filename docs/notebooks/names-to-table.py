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
# # From a spreadsheet of names to a joined table
#
# **Question.** You have a list of cities, typed by hand: in Turkish, without accents, misspelt. Which of them are
# partners of İzmir, since when, in what state, and how far away?
#
# **Data.** A sheet of your own, here 16 names that were invented for this notebook, and the graph: its reconciliation service for the names,
# the stored query `agreements-by-continent` for the agreements, and a query for the distances.

# %%
import io
import os

import matplotlib.pyplot as plt
import pandas as pd

from citygraph.client import Graph

graph = Graph(os.environ.get("CITYGRAPH_URL", "http://127.0.0.1:8000"))
plt.style.use("print.mplstyle")

SHEET = """City
Bremen
Bakü
Plzen
Selanik
Köstence
Saraybosna
Tel-Aviv
Gazimağusa
Bombay
Volgagrad
Üsküp
Torino
Wien
Chengdu
Long beach
Havana
"""
sheet = pd.read_csv(io.StringIO(SHEET))  # yours: pd.read_excel("cities.xlsx")
len(sheet)

# %% [markdown]
# ## Method
#
# ### 1. Names become entities
#
# `match` is true where the name leaves no doubt: it is a name of one city in the graph, in any language, with or without accents. `kind` keeps
# persons and documents out. If your sheet has a column of countries, give it as `country=`, which distinguishes places of the same name.

# %%
matches = graph.reconcile(sheet["City"], kind="City").pandas()
table = sheet.join(matches[["iri", "label", "score", "match"]])
table

# %% [markdown]
# ### 2. A person decides the rest
#
# Never take the best guess unseen. Look at the rows without a match, and write each decision down: the next person can check it. `None` means that
# the city is not in the graph.

# %%
table[~table["match"]]

# %%
DECISIONS = {
    "Volgagrad": "city:volgograd",  # a misprint
    "Wien": None,  # no partner of İzmir: not in the graph
}
undecided = set(table.loc[~table["match"], "City"]) - DECISIONS.keys()
if undecided:
    raise ValueError(f"decide about {', '.join(sorted(undecided))} in DECISIONS")

table["city"] = table["iri"].where(table["match"])
for name, choice in DECISIONS.items():
    table.loc[table["City"] == name, "city"] = graph.iri(choice) if choice else None
if table["city"].dropna().duplicated().any():
    raise ValueError("two names of the sheet are one city")

# %% [markdown]
# ### 3. Tables are joined by identifier
#
# A city may have several agreements with İzmir. This table has one row for each city: the agreement with a documented state, else the oldest. Distances are
# computed where the data are, by the function `cg:distance`.

# %%
agreements = graph.run("agreements-by-continent", city="city:izmir").pandas(dates="columns")
agreements = agreements.sort_values(["state", "firstDay"], na_position="last").drop_duplicates("partner")
distances = graph.query(
    """
    SELECT ?city ?label (xsd:integer(ROUND(xsd:decimal(?km))) AS ?kilometres) {
      $home schema:latitude ?homeLatitude ; schema:longitude ?homeLongitude .
      ?city a cg:City ; schema:latitude ?latitude ; schema:longitude ?longitude
      BIND(cg:distance(?homeLatitude, ?homeLongitude, ?latitude, ?longitude) AS ?km)
      BIND(cg:labelIn(?city, "en") AS ?label)
    } ORDER BY ?km ?city
    """,
    home=graph.iri("city:izmir"),
).pandas()

joined = (
    table[["City", "city"]]
    .merge(distances, on="city", how="left", validate="many_to_one")
    .merge(
        agreements[["partner", "country", "start", "firstDay", "state"]],
        left_on="city",
        right_on="partner",
        how="left",
        validate="many_to_one",
    )
    .drop(columns="partner")
)
if len(joined) != len(sheet):
    raise ValueError("the join has another number of rows than the sheet")
joined.to_csv("joined.csv", index=False)
joined.to_parquet("joined.parquet", index=False)
joined

# %% [markdown]
# ## Figure

# %%
STATES = {
    "active": ("o", "#0072B2", "#0072B2", "active"),
    "decided": ("o", "white", "#0072B2", "decided or planned"),
    "planned": ("o", "white", "#0072B2", "decided or planned"),
    "ended": ("X", "#D55E00", "#D55E00", "ended"),
}
found = joined.dropna(subset="city").sort_values("kilometres", ignore_index=True)
figure, axes = plt.subplots(figsize=(6.7, 4.3))
for place, row in found.iterrows():
    marker, face, edge, name = STATES[row["state"]]
    axes.plot(
        [found["kilometres"].min() * 0.8, row["kilometres"]], [place, place], color="#d8d8d8", linewidth=0.8, zorder=1
    )
    axes.plot(row["kilometres"], place, marker, markerfacecolor=face, markeredgecolor=edge, markersize=6, linewidth=0)
    year = "no date" if pd.isna(row["firstDay"]) else f"since {row['firstDay'][:4]}"
    axes.annotate(
        f"{row['kilometres']:,.0f} km, {year}",
        (row["kilometres"], place),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
        color="#444444",
    )
names = [
    row["City"] if row["City"] == row["label"] else f"{row['City']} → {row['label']}" for _, row in found.iterrows()
]
axes.set_yticks(range(len(found)), names)
axes.tick_params(axis="y", length=0)
axes.spines["left"].set_visible(False)
axes.set_xscale("log")
axes.set_xlim(found["kilometres"].min() * 0.8, found["kilometres"].max() * 3.2)
ticks = [500, 1000, 2000, 5000, 10000]
axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
axes.minorticks_off()
axes.set_xlabel("great-circle distance from İzmir in km (logarithmic)")
missing = ", ".join(joined.loc[joined["city"].isna(), "City"])
axes.set_title(f"{len(found)} of {len(joined)} names have an agreement with İzmir (not in the graph: {missing})")
seen = dict.fromkeys(STATES[state] for state in STATES if state in set(found["state"]))
legend = {name: (marker, face, edge) for marker, face, edge, name in seen}
for name, (marker, face, edge) in legend.items():
    axes.plot([], [], marker, markerfacecolor=face, markeredgecolor=edge, markersize=6, linewidth=0, label=name)
axes.legend(loc="lower right")
figure.savefig("names-to-table.pdf")

# %% [markdown]
# ## Reading
#
# Fourteen of the sixteen names are resolved without a question, among them historical ones (*Bombay*), Turkish ones (*Köstence* is Constanța, *Gazimağusa*
# is Famagusta) and those without accents (*Plzen*). One misprint needed a decision, and one city is not in the graph. On the left is the name in the sheet;
# behind the arrow is that of the graph.
#
# ## Limits
#
# - If a name is not in the graph, a tie may still exist: the graph has the partners of İzmir, and what their documents mention.
# - Distances are between one point of each place, accurate to half a percent.
# - `match` looks at names. A list that means the province, not the city, needs `kind="AdministrativeArea"`.
# - Keep `joined.csv` with the release in the citation: the next release may have more.
#
# ## Citation

# %%
print(graph.cite("agreements-by-continent", city="city:izmir"))
