"""Hooks of MkDocs: links to files outside of docs/ work on the website, and its pages load nothing from another host."""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
# Copies of linked files of the repository, such as CONTRIBUTING.md, are in this folder of the website.
COPIES = "repository"
_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)")
_FENCE_WITH_LABEL = re.compile(r"^( *```\w+) \w+$", re.MULTILINE)
_EXTERNAL_ASSET = re.compile(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"?https?:|<link(?=[^>]*stylesheet)[^>]*https?:")


def on_config(config: Any) -> Any:
    """Put every decision into the navigation, so that a new page needs no line in mkdocs.yml."""
    numbered = sorted(page.name for page in (DOCS / "decisions").glob("[0-9]*.md"))
    decisions = [f"decisions/{name}" for name in ("index.md", *numbered)]
    for section in config["nav"]:
        for pages in section.values():
            if isinstance(pages, list):
                pages[:] = [{"Decisions": decisions} if page == "decisions" else page for page in pages]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the linked files of the repository, and those that they link to."""
    queue = list(DOCS.rglob("*.md"))
    seen: set[Path] = set()
    while queue:
        page = queue.pop()
        for path in _outside_links(page):
            if path in seen:
                continue
            seen.add(path)
            files.append(File.generated(config, f"{COPIES}/{path.relative_to(ROOT)}", abs_src_path=str(path)))
            if path.suffix == ".md":
                queue.append(path)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links out of docs/ to the copies, and drop the labels that the tests give to blocks of commands."""
    return _FENCE_WITH_LABEL.sub(r"\1", _LINK.sub(lambda link: _rewritten(link, _source(page.file.src_uri)), markdown))


def on_post_build(config: Any) -> None:
    """Raise PluginError if a page loads a script, style or image from another host."""
    for page in Path(config["site_dir"]).rglob("*.html"):
        if _EXTERNAL_ASSET.search(page.read_text(encoding="utf-8")):
            raise PluginError(f"{page} loads an asset from another host")


def _outside_links(page: Path) -> list[Path]:
    """Return the files that the page links to and that MkDocs does not find in docs/."""
    targets = [(page.parent / link[2]).resolve() for link in _LINK.finditer(page.read_text(encoding="utf-8"))]
    return [path for path in targets if path.is_file() and not path.is_relative_to(DOCS)]


def _source(uri: str) -> Path:
    return ROOT / uri.removeprefix(f"{COPIES}/") if uri.startswith(f"{COPIES}/") else DOCS / uri


def _rewritten(link: re.Match[str], source: Path) -> str:
    target = (source.parent / link[2]).resolve()
    if not target.is_file():
        return link[0]  # MkDocs reports it
    return link[1] + os.path.relpath(_on_site(target), _on_site(source).parent)


def _on_site(path: Path) -> Path:
    return path.relative_to(DOCS) if path.is_relative_to(DOCS) else COPIES / path.relative_to(ROOT)
