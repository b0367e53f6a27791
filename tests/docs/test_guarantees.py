"""docs/guarantees.md names tests and bounds that are there."""

import ast
import re
from functools import cache

import pytest

from core.paths import BASE_DIR

PAGE = (BASE_DIR / "docs" / "guarantees.md").read_text()
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)(?:\[(\w+)\])?`")
_NAMES = sorted(set(_NAMED.findall(PAGE)))


@cache
def _defined_in(path: str) -> set[str]:
    """The functions and constants at the top of a file, which is read and not run."""
    body = ast.parse((BASE_DIR / path).read_text()).body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    annotated = [node.target for node in body if isinstance(node, ast.AnnAssign)]
    return functions | {target.id for target in [*targets, *annotated] if isinstance(target, ast.Name)}


@cache
def _words_beside(path: str) -> set[str]:
    """A case of a test may come from a neighbour of its file."""
    return {word for file in (BASE_DIR / path).parent.glob("*.py") for word in re.findall(r"\w+", file.read_text())}


@pytest.mark.parametrize(("path", "name", "case"), _NAMES, ids=lambda part: part)
def test_what_the_page_names_is_there(path: str, name: str, case: str) -> None:
    assert name in _defined_in(path)
    assert not case or case in _words_beside(path)


def test_nothing_is_named_in_another_way() -> None:
    assert PAGE.count("::") == len(_NAMED.findall(PAGE)) > 60


def test_a_name_that_is_gone_would_be_noticed() -> None:
    assert "test_what_was_never_written" not in _defined_in("tests/docs/test_guarantees.py")
