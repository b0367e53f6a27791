"""No document leads nowhere: files and headings that links name are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.paths import BASE_DIR

DOCUMENTS = [*BASE_DIR.glob("*.md"), *BASE_DIR.glob("docs/*.md")]
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
_CODE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def _links() -> Iterator[tuple[Path, str]]:
    for document in DOCUMENTS:
        for link in _LINK.findall(_CODE.sub("", document.read_text())):
            yield document, link


def _anchors(document: Path) -> set[str]:
    """As GitHub makes them: lower case, without punctuation, hyphens for blanks."""
    headings = _HEADING.findall(_CODE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    for source, link in _links():
        path, _hash, anchor = link.partition("#")
        target = (source.parent / path).resolve() if path else source
        if source == document:
            assert target.exists(), link
            assert not anchor or anchor in _anchors(target), link


def test_the_links_were_really_looked_for() -> None:
    assert {"README.md", "CONTRIBUTING.md", "operations.md"} <= {document.name for document in DOCUMENTS}
    assert (BASE_DIR / "README.md", "docs/operations.md") in set(_links())
