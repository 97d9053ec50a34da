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
# # The world network of 2016
#
# **Question.** Which communities do the twinned cities of the world form? How far do twinnings reach, and do they still follow the
# blocs of the Cold War?
#
# **Data.** Wikidata's twinnings (`P190`) as they were in September 2016: 34,182 statements about 10,055 places, collected along the ties
# from Weimar on, and published in [L3viathan/sister-cities](https://github.com/L3viathan/sister-cities). `README.md` in the folder of
# this notebook has the commands that make a graph of them.
# **In that graph only the edges, the names, and the coordinates and countries of the 2,363 places that Natural Earth has are
# facts.** It has no dates, no kinds of ties and no states. A graph of today's Wikidata (`citygraph wikidata pull --all`) has these, and the notebook
# runs on it as well.

# %%
import os

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.ticker import MultipleLocator

from citygraph.client import Graph

graph = Graph(os.environ.get("CITYGRAPH_URL", "http://127.0.0.1:8000"), timeout=300)
plt.style.use("print.mplstyle")

rows = graph.run("network").pandas()
rows[["sourceLabel", "sourceCountry", "targetLabel", "targetCountry"]].head()

# %%
items = graph.query("""
    SELECT ?place (STRAFTER(STR(?same), "/entity/") AS ?item) {
      ?place a cg:Place ; cg:country ?country . ?country owl:sameAs ?same
      FILTER(CONTAINS(STR(?same), "wikidata.org/entity/"))
    } ORDER BY ?place ?item
""").pandas()
country = items.drop_duplicates("place").set_index("place")["item"]

ties = rows.drop_duplicates(["source", "target"])
ends = [
    ties[[end, f"{end}Label", f"{end}Lat", f"{end}Lon"]].set_axis(["place", "label", "latitude", "longitude"], axis=1)
    for end in ("source", "target")
]
places = pd.concat(ends).drop_duplicates("place").set_index("place")
places["country"] = country.reindex(places.index)
located = places["latitude"].notna()
print(
    f"{len(places):,} places, {len(ties):,} ties; {int(located.sum()):,} places with coordinates, "
    f"{int(places['country'].notna().sum()):,} with a country"
)

# %% [markdown]
# ## Method
#
# 1. **Communities** by the method of Louvain (Blondel et al. 2008), which looks for groups with more ties inside than their degrees
#    would give. The order of the places is chance, hence the seed. All ties count, also those of places without coordinates.
# 2. **Distances** are great circles on a sphere of 6,371.0088 km. To see what distance does, the ends of all ties are shuffled:
#    each place keeps its number of ties, and geography is lost.
# 3. **Blocs** are those of 1989: the members of NATO ([nato.int](https://www.nato.int/cps/en/natohq/topics_52044.htm)), and the
#    states of the Warsaw Treaty of 14 May 1955 (UN Treaty Series 2962) that were members in 1989, with their successors today. The German Democratic
#    Republic cannot be distinguished in the data: Germany is in NATO. The numbers are Wikidata's items. The figure compares the
#    number of ties between two blocs with the number that the degrees of their places would give.

# %%
network = nx.Graph()
network.add_edges_from(sorted(zip(ties["source"], ties["target"], strict=True)))
communities = sorted(nx.community.louvain_communities(network, seed=2016), key=lambda group: (-len(group), min(group)))
modularity = nx.community.modularity(network, communities)
community = {place: number for number, group in enumerate(communities) for place in group}
places["community"] = places.index.map(community)
places["ties"] = places.index.map(dict(network.degree()))
print(f"{len(communities)} communities, modularity {modularity:.2f}")


def summary(group: pd.DataFrame) -> pd.Series:
    """Returns the size of a community and its best connected places."""
    largest = group.sort_values(["ties", "label"], ascending=[False, True])["label"].head(4)
    return pd.Series({"places": len(group), "best connected": ", ".join(largest)})


SHOWN = 6
overview = pd.DataFrame({number: summary(group) for number, group in places.groupby("community") if number < SHOWN}).T
overview

# %%
RADIUS = 6371.0088


def kilometres(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Returns the great-circle distances of two tables of places, row by row, by the haversine formula."""
    latitude, longitude = np.radians(one["latitude"].to_numpy()), np.radians(one["longitude"].to_numpy())
    latitude2, longitude2 = np.radians(other["latitude"].to_numpy()), np.radians(other["longitude"].to_numpy())
    half = np.sin((latitude2 - latitude) / 2) ** 2
    half += np.cos(latitude) * np.cos(latitude2) * np.sin((longitude2 - longitude) / 2) ** 2
    return 2 * RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


measured = ties[ties["source"].map(located) & ties["target"].map(located)]
distance = kilometres(places.loc[measured["source"]], places.loc[measured["target"]])
stubs = np.concatenate([measured["source"].to_numpy(dtype=object), measured["target"].to_numpy(dtype=object)])
random = np.random.default_rng(2016)
shuffled = []
for _ in range(10):
    left, right = np.split(random.permutation(stubs), 2)
    shuffled.append(kilometres(places.loc[left[left != right]], places.loc[right[left != right]]))
by_chance = np.concatenate(shuffled)
print(f"median of {len(distance):,} ties: {np.median(distance):,.0f} km; by chance {np.median(by_chance):,.0f} km")
for low, high in ((0, 500), (8_000, 13_000)):
    shares = [((low <= group) & (group < high)).mean() for group in (distance, by_chance)]
    print(f"{low:,} to {high:,} kilometres: {shares[0]:.1%} of the ties, by chance {shares[1]:.1%}")

# %%
BLOCS = {
    "NATO 1989": """Q31 Belgium, Q16 Canada, Q35 Denmark, Q142 France, Q183 Germany, Q41 Greece, Q189 Iceland, Q38 Italy,
        Q32 Luxembourg, Q55 Netherlands, Q20 Norway, Q45 Portugal, Q29 Spain, Q43 Türkiye, Q145 United Kingdom, Q30 USA""",
    "Warsaw Treaty 1989": """Q219 Bulgaria, Q213 Czechia, Q214 Slovakia, Q28 Hungary, Q36 Poland, Q218 Romania, Q159 Russia,
        Q212 Ukraine, Q184 Belarus, Q217 Moldova, Q37 Lithuania, Q211 Latvia, Q191 Estonia, Q399 Armenia, Q227 Azerbaijan,
        Q230 Georgia, Q232 Kazakhstan, Q813 Kyrgyzstan, Q863 Tajikistan, Q874 Turkmenistan, Q265 Uzbekistan""",
    "Yugoslavia": "Q225 Bosnia and Herzegovina, Q224 Croatia, Q236 Montenegro, Q221 North Macedonia, Q403 Serbia, Q215 Slovenia",
    "Neutral Europe": "Q40 Austria, Q33 Finland, Q27 Ireland, Q34 Sweden, Q39 Switzerland",
    "China": "Q148 China",
    "Japan": "Q17 Japan",
    "Latin America": """Q414 Argentina, Q750 Bolivia, Q155 Brazil, Q298 Chile, Q739 Colombia, Q800 Costa Rica, Q241 Cuba,
        Q786 Dominican Republic, Q736 Ecuador, Q792 El Salvador, Q774 Guatemala, Q783 Honduras, Q96 Mexico, Q811 Nicaragua,
        Q804 Panama, Q733 Paraguay, Q419 Peru, Q77 Uruguay, Q717 Venezuela""",
}
bloc_of = {entry.split()[0]: bloc for bloc, text in BLOCS.items() for entry in text.split(",")}
bloc = places["country"].map(bloc_of)
in_blocs = pd.DataFrame({"one": ties["source"].map(bloc), "other": ties["target"].map(bloc)}).dropna()
order = [name for name in BLOCS if name in set(in_blocs.to_numpy().ravel())]
directed = pd.crosstab(in_blocs["one"], in_blocs["other"]).reindex(index=order, columns=order, fill_value=0).to_numpy()
both_ways = directed + directed.T
degrees = both_ways.sum(axis=1)
expected = np.outer(degrees, degrees) / degrees.sum()
ratio = both_ways / expected
within = np.trace(both_ways) / both_ways.sum()
print(
    f"{len(in_blocs):,} ties between places in these blocs; {within:.0%} within one bloc, "
    f"{np.trace(expected) / expected.sum():.0%} by chance"
)
pd.DataFrame(both_ways - np.diag(np.diag(directed)), order, order)

# %% [markdown]
# ## Figures

# %%
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
MARKERS = ["o", "s", "^", "D", "v", "P"]
figure, axes = plt.subplots(figsize=(6.7, 4.0))
shown = places[located]
rest = shown[shown["community"] >= SHOWN]
axes.scatter(rest["longitude"], rest["latitude"], s=3 + 0.35 * rest["ties"], color="#c4c4c4", linewidths=0, zorder=1)
for number in range(min(SHOWN, len(communities))):
    group = shown[shown["community"] == number]
    # No more than the names of the best connected places with coordinates.
    name = ", ".join(group.sort_values(["ties", "label"], ascending=[False, True])["label"].head(3))
    axes.scatter(
        group["longitude"],
        group["latitude"],
        s=3 + 0.35 * group["ties"],
        color=COLOURS[number],
        marker=MARKERS[number],
        linewidths=0,
        alpha=0.85,
        zorder=2,
        label=f"{name} ({overview.loc[number, 'places']:,})",
    )
axes.set_aspect(1.25)  # degrees of longitude at 37° are that much shorter
axes.grid()
axes.set_xlim(-170, 180)
axes.set_ylim(-56, 72)
axes.set_xticks(range(-150, 181, 50), [f"{abs(x)}°{'W' if x < 0 else 'E' if x else ''}" for x in range(-150, 181, 50)])
axes.set_yticks(range(-50, 71, 25), [f"{abs(y)}°{'S' if y < 0 else 'N' if y else ''}" for y in range(-50, 71, 25)])
axes.set_title("Communities of twinned cities: best connected places (number of places)")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.07), ncols=2, fontsize=7.5, markerscale=1.6)
figure.savefig("world-network-2016-communities.pdf")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(6.7, 3.5), gridspec_kw={"width_ratios": [1, 1.15], "wspace": 0.06})

bins = np.geomspace(20, 20100, 26)
left.stairs(np.histogram(by_chance, bins)[0] / len(by_chance), bins, fill=True, color="#d8d8d8", label="by chance")
left.stairs(np.histogram(distance, bins)[0] / len(distance), bins, color="#0072B2", linewidth=1.5, label="twinnings")
left.set_xscale("log")
left.set_xticks([50, 200, 1000, 5000, 20000], ["50", "200", "1,000", "5,000", "20,000"])
left.minorticks_off()
left.yaxis.set_major_locator(MultipleLocator(0.05))
left.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
left.set_xlabel("distance in km (logarithmic)")
left.set_ylabel("share of ties")
left.set_title("a  Distances")
left.legend(loc="upper left")

with np.errstate(divide="ignore"):
    shades = np.clip(np.log2(ratio), -2.5, 2.5)
right.imshow(shades, cmap="RdBu_r", norm=TwoSlopeNorm(0, -2.5, 2.5))
for (row, column), value in np.ndenumerate(ratio):
    text = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
    right.text(
        column,
        row,
        text,
        ha="center",
        va="center",
        fontsize=7,
        color="white" if abs(shades[row, column]) > 1.6 else "black",
    )
right.set_xticks(range(len(order)), order, rotation=40, ha="right", rotation_mode="anchor", fontsize=7.5)
right.set_yticks(range(len(order)), order, fontsize=7.5)
right.tick_params(length=0)
right.spines[:].set_visible(False)
right.set_title("b  Ties between blocs, multiples of chance")
figure.savefig("world-network-2016.pdf")

# %% [markdown]
# ## Reading
#
# The network falls into 93 communities with a modularity of 0.72. The largest is that of the metropolises, with 1,115 places on all
# continents: large cities are twinned with large cities. The others are groups of smaller cities around a few countries.
#
# Distance matters: half of the 5,489 ties with known coordinates are shorter than 2,900 km, where chance would have 7,100 km. Ties
# below 500 km are several times as frequent as by chance, ties between 8,000 and 13,000 km are a third rarer.
#
# Of the ties between the blocs, 41 % are within one, where chance would have 27 %. The successors of Yugoslavia (5.2 times chance) and
# Latin America (3.1) are most among themselves, the former Warsaw Treaty less (1.7), and NATO's members of 1989 hardly (1.1). Between NATO
# and the Warsaw Treaty there are four fifths of the ties that chance would give, a trace of the blocs and not a wall. China and
# Japan are twinned with each other more than three times as often as by chance.
#
# ## Limits
#
# - **Wikidata is not the world.** Europe, above all Germany, France and Poland, has more complete entries; a missing tie may be a missing edit.
# - The places were collected from Weimar on, along their ties: what is not connected with Weimar is not in the data.
# - Natural Earth has the larger places. The map and both panels have only those, so they describe ties of larger cities.
# - Five items are countries, where a place of that name was meant. They are left out, with their ties.
# - Communities of another seed differ at their edges. Compare several before you interpret one.
# - The names are mostly German, because those of the source are. Ties within one country are among those within a bloc.
# - The blocs are read from the country of 2016. Germany's eastern cities, whose ties of the 1970s and 1980s led to the east, count as NATO.
#
# ## Citation

# %%
print(graph.cite("network"))
