"""The pages below docs/ cite tests, checks and constants that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from core.paths import BASE_DIR

PAGES = sorted((BASE_DIR / "docs").glob("*.md"))
SECURITY = (BASE_DIR / "docs" / "security.md").read_text()
_CITATION = re.compile(r"`([\w/]+\.py)::(\w+)(?:\[(\w+)\])?`")
_CHECK = re.compile(r"vestibule\.[EW][0-9]{3}")
_REQUIREMENT = re.compile(r"^\| ([679]\.\d+\.\d+)", re.MULTILINE)
_CITATIONS = sorted({citation for page in PAGES for citation in _CITATION.findall(page.read_text())})


@cache
def _defined_names(path: str) -> set[str]:
    """Return the functions and constants at the top level of a file, which is parsed and not imported."""
    body = ast.parse((BASE_DIR / path).read_text()).body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    annotated = [node.target for node in body if isinstance(node, ast.AnnAssign)]
    return functions | {target.id for target in [*targets, *annotated] if isinstance(target, ast.Name)}


@cache
def _words_in_folder(path: str) -> set[str]:
    """Return all words of the files in the folder, since a helper module may define the cases of a test."""
    return {word for file in (BASE_DIR / path).parent.glob("*.py") for word in re.findall(r"\w+", file.read_text())}


@pytest.mark.parametrize(("path", "name", "case"), _CITATIONS, ids=lambda part: part)
def test_each_cited_test_exists(path: str, name: str, case: str) -> None:
    assert name in _defined_names(path)
    assert not case or case in _words_in_folder(path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_citation_has_the_format_that_is_checked(page: Path) -> None:
    text = page.read_text()

    colons = len(re.findall(r"::(?!\d)", text))  # `::1` is an IP
    assert colons - text.count("<path>::<name>") == len(_CITATION.findall(text))


def test_a_missing_test_would_be_noticed() -> None:
    guarantees = (BASE_DIR / "docs" / "guarantees.md").read_text()
    assert len(_CITATION.findall(guarantees)) > 60
    assert "test_that_does_not_exist" not in _defined_names("tests/docs/test_docs.py")


def test_security_page_lists_exactly_the_existing_checks() -> None:
    apps = [BASE_DIR / app for app in ("config", "core", "accounts", "sessions_tracking")]
    files = [file for app in apps for file in app.rglob("checks.py")]

    ids = {check for file in files for check in _CHECK.findall(file.read_text())}

    assert ids == set(_CHECK.findall(SECURITY))


def test_each_requirement_is_listed_once_and_in_order() -> None:
    numbers = [tuple(map(int, number.split("."))) for number in _REQUIREMENT.findall(SECURITY)]

    chapters = [number for number in numbers if number[0] in {6, 7, 9}]
    requirements = chapters[: chapters.index((9, 2, 4)) + 1]
    assert requirements == sorted(set(requirements))
    assert len(requirements) > 50
