"""Links of documents lead to existing files and headings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.paths import BASE_DIR

DOCUMENTS = [*BASE_DIR.glob("*.md"), *BASE_DIR.glob("docs/**/*.md")]
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
_CODE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def _links(document: Path) -> Iterator[str]:
    yield from _LINK.findall(_CODE.sub("", document.read_text()))


def _anchors(document: Path) -> set[str]:
    """Return the anchors of the headings as GitHub makes them: lower case, no punctuation, hyphens for spaces."""
    headings = _HEADING.findall(_CODE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for link in _links(document):
        path, _hash, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document

        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_the_search_finds_documents_and_links() -> None:
    assert {"README.md", "CONTRIBUTING.md", "operations.md"} <= {document.name for document in DOCUMENTS}
    assert "docs/operations.md#commands" in _links(BASE_DIR / "README.md")
