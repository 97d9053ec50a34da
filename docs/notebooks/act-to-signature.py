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
# # Time from council act to signature
#
# **Question.** A sister-city tie of a Turkish municipality begins with an act of its council and becomes an agreement with
# the signature of the protocol. How long does İzmir take from the act to the signature, and how often is a
# signature not documented?
#
# **Data.** The stored queries `days-between-act-and-protocol` (both dates known), `procedure` (all agreements, with what is missing)
# and `assessed-statements` (dates that the curator holds for disputed or erroneous).

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke

from citygraph.client import Graph

graph = Graph(os.environ.get("CITYGRAPH_URL", "http://127.0.0.1:8000"))
plt.style.use("print.mplstyle")

measured = graph.run("days-between-act-and-protocol", city="city:izmir")
procedure = graph.run("procedure", city="city:izmir").pandas(dates="columns")
assessed = graph.run("assessed-statements").pandas()
measured.pandas(dates="columns")[["partners", "councilAct", "protocol", "fewestDays", "mostDays"]].head()

# %% [markdown]
# ## Method
#
# 1. The time is counted in days. A protocol of "September 1991" gives a range: `fewestDays` to `mostDays`.
# 2. A date with an assessment is marked. Nothing is left out: the reader decides.
# 3. **What is missing matters.** An act without a documented signature may be an agreement that was never signed, or one
#    whose signature we do not know of. So the share that is signed after *t* years lies between two curves: the upper one
#    takes the documented signatures alone, the lower one takes every act without a signature as unsigned until today.

# %%
times = measured.pandas(dates="columns").dropna(subset="fewestDays")
times["middle"] = times[["fewestDays", "mostDays"]].mean(axis=1) / 365.25
dates = assessed[assessed["property"].str.contains("protocolDate|councilActDate")]
times["doubtful"] = times["agreement"].isin(dates["entity"])
times = times.sort_values("middle", ignore_index=True)

waiting = procedure[procedure["councilAct_first"].notna() & procedure["protocol_first"].isna()]
acts = len(times) + len(waiting)
median = times["middle"].median()
half_of_all = np.sort(times["middle"])[int(np.ceil(acts / 2)) - 1] if len(times) * 2 >= acts else np.nan
print(
    f"{acts} acts of the council, {len(times)} with a documented signature; without: {', '.join(waiting['partners'])}"
)
print(
    f"median of the signed: {median * 12:.0f} months; half of all acts are signed after {half_of_all:.1f} years at the latest"
)
times[["partners", "councilAct", "protocol", "fewestDays", "mostDays", "doubtful"]]

# %% [markdown]
# ## Figure

# %%
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"
figure, (left, right) = plt.subplots(1, 2, figsize=(6.7, 4.6), gridspec_kw={"width_ratios": [1.55, 1], "wspace": 0.08})

for place, row in times.iterrows():
    colour = RED if row["doubtful"] else BLUE
    left.plot([0, row["middle"]], [place, place], color=colour, linewidth=1)
    left.plot(
        row["middle"], place, "o", color=colour, markersize=4.5, markerfacecolor="white" if row["doubtful"] else colour
    )
    days = f"{row['fewestDays']:,}".replace("-", "−") + (
        f" to {row['mostDays']:,}" if row["mostDays"] > row["fewestDays"] else ""
    )
    left.annotate(
        f"{days} d",
        (max(row["middle"], 0), place),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color="#444444",
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )
left.axvline(0, color="black", linewidth=0.6)
left.plot([median, median], [-0.7, len(times) - 0.4], color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
left.annotate(
    f"median {median * 12:.0f} months",
    (median, len(times) - 0.4),
    xytext=(-4, 1),
    textcoords="offset points",
    fontsize=7.5,
    color=GREY,
    va="bottom",
)
left.set_yticks(range(len(times)), times["partners"])
left.tick_params(axis="y", length=0)
left.spines["left"].set_visible(False)
left.set_ylim(-0.7, len(times) + 0.4)
left.set_xlim(-0.4, times["middle"].max() * 1.18)
left.grid(axis="x")
left.set_xlabel("years from council act to protocol")
left.set_title("a  Each agreement")
left.plot([], [], "o", color=BLUE, markersize=4.5, label="dates not disputed")
left.plot([], [], "o", color=RED, markerfacecolor="white", markersize=4.5, label="a date is disputed")
left.legend(loc="lower right")

last = times["middle"].max() * 1.05
steps = np.concatenate([[0.0], np.sort(times["middle"].clip(lower=0)), [last]])
signed = np.concatenate([[0.0], np.arange(1, len(times) + 1), [len(times)]])
upper, lower = signed / len(times), signed / acts
right.fill_between(steps, lower, upper, step="post", color=BLUE, alpha=0.18, linewidth=0)
right.step(steps, upper, where="post", color=BLUE)
right.step(steps, lower, where="post", color=BLUE)
right.annotate(
    f"signatures that are\ndocumented (n = {len(times)})",
    (last, upper[-1]),
    xytext=(-4, -20),
    textcoords="offset points",
    ha="right",
    va="top",
    fontsize=7.5,
    color=BLUE,
)
right.annotate(
    f"all acts (n = {acts})",
    (last, lower[-1]),
    xytext=(-4, -16),
    textcoords="offset points",
    ha="right",
    va="top",
    fontsize=7.5,
    color=BLUE,
)
right.set_xlim(-0.1, last)
right.set_ylim(0, 1.02)
right.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
right.grid(axis="y")
right.set_xlabel("years since the council act")
right.set_ylabel("share signed")
right.set_title("b  Share signed by then")
figure.savefig("act-to-signature.pdf")

# %% [markdown]
# ## Reading
#
# Of the 21 documented signatures, half came within nine months of the council's act, and six took two and a half years or more.
# A third of the 32 acts has no documented signature, so the median of all acts lies between nine months and two and a half years. The
# longest time, almost twelve years with Long Beach, ends in a date that the curator disputes.
#
# Two agreements have the same date for both steps (Mostar and Turin), and in Bukhara the protocol came eight days before the act. The first may
# be one date that was written into both columns of the municipality's list; the second may be an act that confirmed what had
# been signed.
#
# ## Limits
#
# - Almost all dates come from one document, İzmir's list of its sister cities. An error in it is in the figure.
# - The act is that of İzmir's council. Acts of the other side, and permissions of ministries, are separate in the graph
#   (`procedure`), and mostly unknown.
# - The bounds in panel b are those of missing knowledge, not of sampling: these are all acts that the graph has, and no sample.
#
# ## Citation

# %%
print(graph.cite("days-between-act-and-protocol", city="city:izmir"))
