"""The text of `citygraph.toml`: changes to it that keep its comments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Upgrade = Callable[["TOMLDocument"], None]

# The first leads from version 1 to 2, and so on.
UPGRADES: tuple[Upgrade, ...] = ()


def upgraded(text: str, upgrades: Sequence[Upgrade] = UPGRADES) -> str:
    """Returns the settings in the newest version. A text without a version is of version 1."""
    # Imported where a file is written: every process of a server reads the settings, and few write them.
    import tomlkit

    document = tomlkit.parse(text)
    version = int(document.get("version", 1))
    if version > len(upgrades):
        return text
    for upgrade in upgrades[version - 1 :]:
        upgrade(document)
    document["version"] = len(upgrades) + 1
    return tomlkit.dumps(document)


def with_base(text: str, base: str, former: str = "") -> str:
    """Returns the settings with another base; `former` is added to the bases whose addresses redirect."""
    import tomlkit

    document = tomlkit.parse(text)
    document["base"] = base
    if former:
        others = [str(one) for one in document.get("former_bases", []) if one not in (former, base)]
        document["former_bases"] = [*others, former]
    return tomlkit.dumps(document)
