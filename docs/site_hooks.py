"""Hooks of the documentation's site: its first page, the pages of the API, and the files that pages link to."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[1]
_PACKAGES = _ROOT / "src" / "citygraph"
_INDEX = """# API

The packages, from their docstrings. [Architecture](../architecture.md) tells how they depend on each other.

"""
_OUTSIDE = re.compile(r"\]\(\.\./([^)#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the first page, the pages of the API and the linked files outside docs/."""
    files.append(File.generated(config, "index.md", content=_first_page()))
    packages = sorted(path.parent for path in _PACKAGES.glob("*/__init__.py"))
    lines = [f"- [`citygraph.{path.name}`]({path.name}.md)" for path in packages]
    files.append(File.generated(config, "reference/index.md", content=_INDEX + "\n".join(lines) + "\n"))
    for path in packages:
        page = f"# citygraph.{path.name}\n\n::: citygraph.{path.name}\n"
        files.append(File.generated(config, f"reference/{path.name}.md", content=page))
    texts = [path.read_text("utf-8") for path in (_ROOT / "docs").glob("*.md")]
    for target in sorted({found for text in texts for found in _OUTSIDE.findall(text)}):
        files.append(File.generated(config, target, abs_src_path=str(_ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links to the copies of files outside docs/."""
    del page
    return _OUTSIDE.sub(r"](\1", markdown)


def _first_page() -> str:
    """Returns the README with links as its own folder would have them."""
    text = (_ROOT / "README.md").read_text("utf-8")
    return text.replace("](docs/", "](").replace("](LICENSE", "](../LICENSE")
