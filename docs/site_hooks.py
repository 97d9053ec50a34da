"""Hooks of the documentation's site: first page, API, notebooks, and the files that pages link to."""

from __future__ import annotations

import posixpath
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
_UP = re.compile(r"\]\((\.\./[^)#]+)")
_NOTEBOOK = re.compile(r"\]\(([a-z0-9-]+)\.py\)")
_CELL = re.compile(r"^# %%( \[markdown\])?.*\n", re.MULTILINE)
_HERE = Path(__file__).parent


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the first page, the pages of the API, the notebooks and the linked files outside docs/."""
    files.append(File.generated(config, "index.md", content=_first_page()))
    packages = sorted(path.parent for path in _PACKAGES.glob("*/__init__.py"))
    lines = [f"- [`citygraph.{path.name}`]({path.name}.md)" for path in packages]
    files.append(File.generated(config, "reference/index.md", content=_INDEX + "\n".join(lines) + "\n"))
    for path in packages:
        page = f"# citygraph.{path.name}\n\n::: citygraph.{path.name}\n"
        files.append(File.generated(config, f"reference/{path.name}.md", content=page))
    for path in sorted((_HERE / "notebooks").glob("*.py")):
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=_notebook_page(path)))
    pages = [(path.read_text("utf-8"), path.relative_to(_HERE).as_posix()) for path in _HERE.rglob("*.md")]
    linked = {target for text, page in pages for link in _UP.findall(text) if (target := _outside(link, page))}
    for target in sorted(linked):
        files.append(File.generated(config, target, abs_src_path=str(_ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links to the copies of files outside docs/, and from the list of notebooks to their pages."""
    source = page.file.src_uri
    folder = posixpath.dirname(source)

    def link(match: re.Match[str]) -> str:
        target = _outside(match[1], source)
        return f"]({posixpath.relpath(target, folder or '.')}" if target else match[0]

    markdown = _UP.sub(link, markdown)
    return _NOTEBOOK.sub(r"](\1.md)", markdown) if source == "notebooks/README.md" else markdown


def _outside(link: str, page: str) -> str:
    """Returns the path, from the root of the repository, of a linked file outside docs/; else an empty text."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
    return target.removeprefix("../") if target.startswith("../") else ""


def _notebook_page(path: Path) -> str:
    """Returns a notebook as a page: cells of prose as text, cells of code as blocks."""
    _, *cells = _CELL.split(path.read_text("utf-8"))
    parts = []
    for is_prose, text in zip(cells[::2], cells[1::2], strict=True):
        prose = re.sub(r"^# ?", "", text, flags=re.MULTILINE).strip()
        parts.append(prose if is_prose else f"```python\n{text.strip()}\n```")
    title, *others = parts
    return "\n\n".join([title, f"This page is the file [{path.name}]({path.name}).", *others]) + "\n"


def _first_page() -> str:
    """Returns the README with links as its own folder would have them."""
    text = (_ROOT / "README.md").read_text("utf-8")
    return text.replace("](docs/", "](").replace("](LICENSE", "](../LICENSE")
