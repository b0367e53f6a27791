"""Documents are readable: short lines, standard terms, and paths that exist."""

import re
from pathlib import Path

import pytest

from core.paths import BASE_DIR

PAGES = sorted([*BASE_DIR.glob("*.md"), *(BASE_DIR / "docs").rglob("*.md")])
GENERATED = {BASE_DIR / "docs" / "benchmark" / name for name in ("results.md", "scale.md")}
# Made by docker/make-secrets.sh and its user.
CREATED_LATER = {"docker/.env", "docker/secrets/email_url"}
MAX_LINE = 100
_CODE_BLOCK = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(
    r"`((?:accounts|benchmarks|config|core|docker|docs|requirements|sessions_tracking|templates|tests)/[\w./-]+)`"
)


def _prose(page: Path) -> list[str]:
    """Return the lines outside of code and tables, without code spans and targets of links, which cannot be wrapped."""
    text = re.sub(r"`[^`\n]*`|\]\([^)]*\)", "", _CODE_BLOCK.sub("", page.read_text()))
    return [line for line in text.splitlines() if not line.startswith(("|", "!["))]


def _name(page: object) -> str:
    return str(page.relative_to(BASE_DIR)) if isinstance(page, Path) else str(page)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GENERATED], ids=_name)
def test_lines_of_prose_are_short(page: Path) -> None:
    limit = 120 if page.name.startswith("README") else MAX_LINE

    assert [line for line in _prose(page) if len(line) > limit] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "decisions"], ids=_name)
def test_every_path_that_a_document_names_exists(page: Path) -> None:
    paths = {path for path in _PATH.findall(page.read_text()) if "…" not in path}

    assert {path for path in paths - CREATED_LATER if not (BASE_DIR / path).exists()} == set()


def test_the_index_of_decisions_lists_all_of_them() -> None:
    folder = BASE_DIR / "docs" / "decisions"

    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "index.md").read_text())
    assert listed == sorted(page.name for page in folder.glob("[0-9]*.md"))


def test_each_page_leads_to_the_next_in_the_order_of_the_index() -> None:
    index = (BASE_DIR / "docs" / "index.md").read_text()
    order = re.findall(r"^\d+\. \[.*?\]\(([\w./-]+)\)", index, re.MULTILINE)

    pages = [(BASE_DIR / "docs" / link).resolve() for link in order]
    in_docs = [page for page in pages if page.parent == BASE_DIR / "docs"]
    for page, following in zip(in_docs, pages[1:], strict=False):
        last = page.read_text().rstrip().splitlines()[-1]
        link = re.fullmatch(r"Next: \[.*\]\((.*)\)", last)
        assert link, page
        assert (page.parent / link[1]).resolve() == following, page
