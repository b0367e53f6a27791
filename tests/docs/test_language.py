"""The project uses standard terms, and its files and functions stay short."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from core.paths import BASE_DIR

SOURCE_FOLDERS = ("config", "core", "accounts", "sessions_tracking", "benchmarks")
TEXT_FOLDERS = (*SOURCE_FOLDERS, "tests", "templates", "docs", "docker", "requirements")
TEXT_SUFFIXES = {".py", ".md", ".html", ".txt", ".css", ".js", ".sh", ".yml", ".yaml", ".conf", ".template", ".service"}
MAX_SOURCE_LINES, MAX_TEST_LINES, MAX_MEDIAN_FUNCTION, MAX_CONFIG_LINES = 200, 400, 6, 1200
# Reversed, so that this file does not contain them.
BANNED = [term[::-1] for term in ("?sroo" + "d", "?sdee" + "d", "ydobon", "ydobemos", "reveohw", "ecnalg", "tbuod")]
# An underscore ends a word too, so that names of tests are read. One error code keeps its word.
_BANNED = re.compile(rf"(?<![^\W_])({'|'.join(BANNED)})(?![^\W_])(?!_to_write_to)", re.IGNORECASE)


def _text_files() -> Iterator[Path]:
    for folder in TEXT_FOLDERS:
        files = (BASE_DIR / folder).rglob("*")
        yield from (file for file in files if file.suffix in TEXT_SUFFIXES and "node_modules" not in file.parts)
    yield from (file for file in BASE_DIR.iterdir() if file.suffix in TEXT_SUFFIXES)


def _python_files() -> list[Path]:
    files = [file for folder in (*SOURCE_FOLDERS, "tests") for file in (BASE_DIR / folder).rglob("*.py")]
    return [file for file in files if "migrations" not in file.parts]


def _is_test(file: Path) -> bool:
    return "tests" in file.parts or "testing" in file.parts


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def _functions(file: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(_tree(file)) if isinstance(node, ast.FunctionDef)]


def test_no_file_uses_a_banned_word() -> None:
    hits = {str(file.relative_to(BASE_DIR)): _BANNED.findall(file.read_text()) for file in _text_files()}

    assert {name: words for name, words in hits.items() if words} == {}


def test_the_banned_words_would_be_detected() -> None:
    assert _BANNED.findall(f"A {BANNED[2]} opened the {BANNED[0][:4]}.") == [BANNED[2], BANNED[0][:4]]


def test_files_are_short() -> None:
    lines = {file: len(file.read_text().splitlines()) for file in _python_files()}

    too_long = {file: n for file, n in lines.items() if n > (MAX_TEST_LINES if _is_test(file) else MAX_SOURCE_LINES)}
    assert too_long == {}


def test_the_median_function_is_short() -> None:
    sources = [file for file in _python_files() if not _is_test(file)]

    lengths = [(node.end_lineno or 0) - node.lineno + 1 for file in sources for node in _functions(file)]
    assert median(lengths) <= MAX_MEDIAN_FUNCTION


def test_config_contains_only_configuration() -> None:
    files = [file for file in (BASE_DIR / "config").rglob("*.py") if not _is_test(file)]

    assert sum(len(file.read_text().splitlines()) for file in files) < MAX_CONFIG_LINES


@pytest.mark.parametrize("folder", SOURCE_FOLDERS)
def test_own_code_is_imported_at_the_top_of_a_file(folder: str) -> None:
    own = re.compile(rf"^\s+(from|import) ({'|'.join(SOURCE_FOLDERS)})\b", re.MULTILINE)

    hidden = [
        f"{file.relative_to(BASE_DIR)}::{function.name}"
        for file in (BASE_DIR / folder).rglob("*.py")
        for function in _functions(file)
        if own.search("\n".join(f" {ast.unparse(node)}" for node in ast.walk(function) if _is_import(node)))
    ]
    assert hidden == []


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)
