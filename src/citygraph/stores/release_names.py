"""The names of a release's graphs in a store: each begins with the digest, so that releases never share a graph."""

from __future__ import annotations

from dataclasses import dataclass

_ROOT = "urn:x-citygraph:"
# In this graph each complete release has one statement, whose object describes it (`store_state`).
STATE_GRAPH = f"{_ROOT}releases"
LOADED = f"{_ROOT}loaded"
# The predicate that leads from the name of a graph in the store to its public name.
PUBLIC_NAME = f"{_ROOT}graph"
# The predicate of the instance's base in the list of graphs, from the name of the release.
OF_BASE = f"{_ROOT}base"
_DIGITS = 24


@dataclass(frozen=True)
class ReleaseNames:
    """The names in a store of the release with a digest."""

    digest: str

    @property
    def prefix(self) -> str:
        """The prefix of all names of the release; also its own name in the state of the store."""
        return f"{_ROOT}{self.digest[:_DIGITS]}:"

    @classmethod
    def of_prefix(cls, prefix: str) -> ReleaseNames:
        """Returns the names with a prefix."""
        return cls(prefix.removeprefix(_ROOT).rstrip(":"))

    @property
    def default_graph(self) -> str:
        """The graph that holds the merged default graph."""
        return f"{self.prefix}default"

    @property
    def graph_list(self) -> str:
        """The graph that leads from the names of graphs in the store to their public names."""
        return f"{self.prefix}graphs"

    @property
    def canary(self) -> str:
        """The graph of test literals."""
        return f"{self.prefix}canary"

    def graph(self, public: str) -> str:
        """Returns the name in the store of a named graph."""
        return f"{self.prefix}graph:{public}"
