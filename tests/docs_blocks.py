"""The code blocks of README and docs/, each with its language, its output and, if it is not run, the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
# The guide to one's own city is run as a whole by test_own_city.py; addresses.md is made from the route table.
PAGES = [
    REPOSITORY / "README.md",
    *sorted(page for page in (REPOSITORY / "docs").rglob("*.md") if page.name != "own-city.md"),
]
_BLOCK = re.compile(
    r"^(?:<!-- (?P<reason>not run|run by)(?: here)?: (?P<why>[^\n]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$"
    r"(?:\n\n```(?P<kind>csv|text|json)\n(?P<output>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
# A command goes on after a backslash, and to the end of its here-document.
_COMMAND = re.compile(
    r"^\$ (?P<command>.*<< '(?P<end>\w+)'\n(?:.*\n)*?(?P=end)|(?:.*\\\n)*.*)\n(?P<output>(?:(?!\$ ).*\n)*)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class DocsBlock:
    """A block of a page. `output` is what it prints, or None if the page does not show it."""

    page: Path
    line: int
    language: str
    text: str
    output: str | None
    reason: str

    def __str__(self) -> str:
        return f"{self.page.stem}-{self.line}"

    @property
    def steps(self) -> list[tuple[str, str | None]]:
        """The commands with their outputs: of a session those after $, of others the whole text."""
        if self.language == "console":
            return [(match["command"], match["output"]) for match in _COMMAND.finditer(self.text)]
        return [(self.text, self.output)]


def blocks_of(page: Path) -> list[DocsBlock]:
    """Returns the blocks of a page."""
    text = page.read_text("utf-8")
    return [
        DocsBlock(
            page,
            text.count("\n", 0, match.start("language")) + 1,
            match["language"],
            match["text"],
            match["output"],
            f"{match['reason']}: {match['why']}" if match["reason"] else "",
        )
        for match in _BLOCK.finditer(text)
    ]


def fences_of(page: Path) -> int:
    """Returns the number of blocks, counted by their fences alone."""
    return sum(line.lstrip().startswith("```") for line in page.read_text("utf-8").splitlines()) // 2
