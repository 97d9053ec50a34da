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
# # Ties over time
#
# **Question.** When did İzmir enter into its ties with other cities, in which parts of the world, and how many were in
# force in each year?
#
# **Data.** The stored query `network`: one row for each agreement between two places and each interval in which it is in
# force. The intervals come from all documents together: an agreement begins with the earliest of council act, protocol
# and start, and ends with its last documented end.

# %%
import os

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D

from citygraph.client import Graph

graph = Graph(os.environ.get("CITYGRAPH_URL", "http://127.0.0.1:8000"))
plt.style.use("print.mplstyle")
HOME = graph.iri("city:izmir")

network = graph.run("network")
rows = network.pandas()
rows[["sourceLabel", "targetLabel", "kind", "state", "during"]].head()

# %% [markdown]
# ## Method
#
# 1. Keep the sister-city agreements of İzmir. A letter of intent or a memorandum with the same city is not a second tie.
# 2. Split the interval, such as `2006-06-16/..` or `1996-07-03/2024-08-12`. `..` means that the tie has not ended. A date may
#    be only a year: `2014` is any day of 2014.
# 3. A tie counts from the first day on which it can have begun. The figure shows how late it can have been.
# 4. A tie that the last document has as planned or decided is drawn in panel b and not counted in panel a: it has an act, and
#    no document states that it came into effect.
# 5. An agreement without any interval has no date in any document. It is listed below the figure, and not counted.


# %%
def bounds(date: str, today: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Returns the first and the last day of a date such as 2014, 2023-12 or 1996-07-03; of an open end today."""
    if date == "..":
        return today, today
    period = pd.Period(date, {4: "Y", 7: "M"}.get(len(date), "D"))
    return period.start_time.normalize(), period.end_time.normalize()


today = pd.Timestamp(network.release[:10])
own = rows[(rows["source"] == HOME) | (rows["target"] == HOME)]
own = own[own["kind"] == "sister-city agreement"]
is_source = own["source"] != HOME
ties = pd.DataFrame(
    {
        "agreement": own["agreement"],
        "partner": own["sourceLabel"].where(is_source, own["targetLabel"]),
        "continent": own["sourceContinent"].where(is_source, own["targetContinent"]),
        "state": own["state"].fillna("not stated"),
        "during": own["during"],
    }
)
undated = ties[ties["during"].isna()]
ties = ties.dropna(subset="during").reset_index(drop=True)
begin, end = (ties["during"].str.split("/").str[part] for part in (0, 1))
known = (begin != "") & (end != "")
ties, begin, end = ties[known], begin[known], end[known]
ties[["first", "latest_first"]] = [bounds(date, today) for date in begin]
ties["last"] = [bounds(date, today)[1] for date in end]
ties["ended"] = (end != "..").to_numpy()
ties["is_plan"] = ties["state"].isin(["planned", "decided"])
ties = ties.sort_values(["first", "partner"], ignore_index=True)
ties[["partner", "continent", "state", "during"]]

# %%
years = pd.RangeIndex(ties["first"].dt.year.min() - 1, today.year + 1, name="year")
continents = ties["continent"].value_counts().index.tolist()


def in_force(year: int) -> pd.Series:
    """Returns the number of ties of each continent on the last day of a year, and today in the current one."""
    day = min(pd.Timestamp(year, 12, 31), today)
    holding = ties[(ties["first"] <= day) & ((ties["last"] > day) | ~ties["ended"]) & ~ties["is_plan"]]
    return holding["continent"].value_counts().reindex(continents, fill_value=0)


counts = pd.DataFrame([in_force(year) for year in years], index=years)
counts.iloc[::5].assign(all=counts.sum(axis=1))

# %% [markdown]
# ## Figure

# %%
COLOURS = dict(zip(continents, ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"), strict=False))
figure, (above, below) = plt.subplots(
    2, 1, figsize=(6.7, 8.2), sharex=True, gridspec_kw={"height_ratios": [1, 2.5], "hspace": 0.04}
)

steps = pd.to_datetime([f"{min(year + 1, today.year + 1)}-01-01" for year in years])
layers = above.stackplot(
    steps, counts.T.to_numpy(), step="pre", colors=[COLOURS[name] for name in continents], linewidth=0
)
above.set_title("a  Sister-city ties of İzmir, in force at the end of each year")
above.set_ylabel("ties")
above.grid(axis="y")
handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[name]) for name in continents]
above.legend(handles[::-1], continents[::-1], loc="upper left")

for place, tie in ties.iterrows():
    colour = COLOURS[tie["continent"]]
    style = (0, (2, 1.4)) if tie["is_plan"] else "-"
    below.plot(
        [tie["latest_first"], tie["last"]],
        [place, place],
        color=colour,
        linewidth=3,
        linestyle=style,
        solid_capstyle="butt",
        dash_capstyle="butt",
    )
    below.plot([tie["first"], tie["latest_first"]], [place, place], color=colour, linewidth=1)
    if tie["ended"]:
        below.plot(tie["last"], place, marker="|", color=colour, markersize=9, markeredgewidth=2)
    below.annotate(
        tie["partner"],
        (tie["first"], place),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=7.5,
    )
below.set_ylim(len(ties) - 0.3, -0.9)
below.set_yticks([])
below.spines["left"].set_visible(False)
below.set_xlim(pd.Timestamp(years[0] - 3, 1, 1), today + pd.Timedelta(days=200))
below.grid(axis="x")
below.set_title("b  From the first act or signature on")
below.set_xlabel("year")
key = [
    Line2D([], [], color="#555555", linewidth=3, label="active"),
    Line2D(
        [], [], color="#555555", linewidth=3, linestyle=(0, (2, 1.4)), label="decided or planned by the last document"
    ),
    Line2D([], [], color="#555555", linewidth=1, label="may have begun in this time"),
    Line2D([], [], color="#555555", marker="|", markersize=9, markeredgewidth=2, linewidth=0, label="ended"),
]
below.legend(handles=key, loc="lower left")
figure.savefig("ties-over-time.pdf")

# %%
print(
    f"{len(ties)} ties with dates, {int(ties['ended'].sum())} of them ended; without dates: "
    f"{', '.join(undated['partner'].drop_duplicates()) or 'none'}"
)
by_decade = ties.groupby([ties["first"].dt.year // 10 * 10, "continent"]).size().unstack(fill_value=0)
by_decade.rename_axis(index="decade of the beginning")

# %% [markdown]
# ## Reading
#
# 15 of the 35 ties began between 1990 and 1997, in the years after the end of the Soviet Union and Yugoslavia: with Bishkek,
# Bukhara and Türkmenabat, with Bălți, Split and Mostar. Since 2008, four were begun in China and South Korea, and three in the Balkans.
# One tie has ended: that with Tel Aviv, by an act of İzmir's council in August 2024.
#
# ## Limits
#
# - A beginning is the first *documented* step, mostly the act of İzmir's council. The signature follows up to twelve years later:
#   see the notebook *Time from council act to signature*.
# - A tie is in force until a document shows its end. Silence is not an end, so the counts are upper bounds.
# - Nothing is known of ties that ended before the first list was published.
# - The state is that of the last document. Sources that disagree about it are in *Disagreements between sources*.
#
# ## Citation

# %%
print(graph.cite("network"))
