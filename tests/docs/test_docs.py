"""The pages below docs/ name tests, checks and variables that are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from core.paths import BASE_DIR

PAGES = sorted((BASE_DIR / "docs").glob("*.md"))
SECURITY = (BASE_DIR / "docs" / "security.md").read_text()
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)(?:\[\w+\])?`")
_CHECK = re.compile(r"vestibule\.[EW][0-9]{3}")
_REQUIREMENT = re.compile(r"^\| ([679]\.\d+\.\d+)", re.MULTILINE)


def _named() -> list[tuple[str, str]]:
    return sorted({found for page in PAGES for found in _NAMED.findall(page.read_text())})


@cache
def _defined_in(path: str) -> set[str]:
    """The names at the top of a file, which is read and not run."""
    file = BASE_DIR / path
    body = ast.parse(file.read_text()).body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    annotated = [node.target for node in body if isinstance(node, ast.AnnAssign)]
    return functions | {target.id for target in [*targets, *annotated] if isinstance(target, ast.Name)}


@pytest.mark.parametrize(("path", "name"), _named(), ids=lambda part: part)
def test_what_a_page_names_is_there(path: str, name: str) -> None:
    assert name in _defined_in(path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_named_in_another_way(page: Path) -> None:
    text = page.read_text()

    colons = len(re.findall(r"::(?!\d)", text))  # `::1` is an IP
    assert colons - text.count("<path>::<name>") == len(_NAMED.findall(text))


def test_a_name_that_is_gone_would_be_noticed() -> None:
    assert len(_named()) > 60
    assert "test_what_was_never_written" not in _defined_in("tests/docs/test_docs.py")


def test_every_check_is_told_and_none_that_is_not_there() -> None:
    sources = [BASE_DIR / app for app in ("config", "core", "accounts", "sessions_tracking")]
    files = [file for source in sources for file in source.rglob("checks.py")]

    made = {found for file in files for found in _CHECK.findall(file.read_text())}

    assert made == set(_CHECK.findall(SECURITY))


def test_each_requirement_stands_once_and_in_order() -> None:
    numbers = [tuple(map(int, found.split("."))) for found in _REQUIREMENT.findall(SECURITY)]

    chapters = [number for number in numbers if number[0] in {6, 7, 9}]
    first = chapters[: chapters.index((9, 2, 4)) + 1]
    assert first == sorted(set(first))
    assert len(first) > 50
