"""The tables of error codes, variables and published results match the code and the benchmark."""

import re
from collections.abc import Iterator

import pytest

import accounts.exceptions  # noqa: F401 - registers its subclasses of ApiError
from core.api.exceptions import ApiError
from core.paths import BASE_DIR

DOCS = BASE_DIR / "docs"
README = (BASE_DIR / "README.md").read_text()
ERRORS = (DOCS / "errors.md").read_text()
CONFIGURATION = (DOCS / "configuration.md").read_text()
PERFORMANCE = (DOCS / "performance.md").read_text()
ENV_EXAMPLE = (BASE_DIR / ".env.example").read_text()
# Set by other tools, or used only by the tests and the Makefile.
_INTERNAL = {"ENV_FILE", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER"}
_READER = re.compile(r"env\.\w+\(\s*\"([A-Z][A-Z0-9_]+)\"")
_SPEED = re.compile(r"\d[\d.,]* ?(?:ms\b|s in \d|/s\b|requests (?:a|per) second)")


def _subclasses(parent: type[ApiError]) -> Iterator[type[ApiError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def _codes() -> set[str]:
    return {error.code for error in _subclasses(ApiError)}


def _documented(page: str) -> set[str]:
    """Return the names in the first column of the page's tables."""
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def _variables() -> set[str]:
    apps = ("config", "core", "accounts", "sessions_tracking")
    sources = [path for app in apps for path in (BASE_DIR / app).rglob("*.py") if "tests" not in path.parts]
    return {name for path in sources for name in _READER.findall(path.read_text())} - _INTERNAL


@pytest.mark.parametrize("code", sorted(_codes()))
def test_every_error_code_is_documented(code: str) -> None:
    assert code in _documented(ERRORS)


def test_no_documented_error_code_is_unknown() -> None:
    assert _documented(ERRORS) - _codes() == set()


@pytest.mark.parametrize("name", sorted(_variables()))
def test_every_variable_is_documented_and_in_the_example(name: str) -> None:
    assert name in _documented(CONFIGURATION)
    assert re.search(rf"^# {name}=", ENV_EXAMPLE, re.MULTILINE) or f"({name}" in ENV_EXAMPLE or name in {"HOST", "PORT"}


def test_the_search_for_variables_finds_some() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "REFRESH_REUSE_GRACE", "TRUSTED_PROXIES"} <= _variables()


def _measured() -> list[str]:
    """Return all numbers of the pages that `make bench` and `make bench-scale` write, without thousands separators."""
    pages = [(DOCS / "benchmark" / name).read_text() for name in ("results.md", "scale.md")]
    return re.findall(r"\d+(?:\.\d+)?", "".join(pages).replace(",", ""))


def _published() -> list[str]:
    """Return the rates, times and ratios of the section "Published results"."""
    text = PERFORMANCE.partition("## Published results")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    per_second = [number.replace(",", "") for number in re.findall(r"(\d[\d,]*)/s\b", text)]
    times = re.findall(r"(\d+(?:\.\d+)?) ms\b", text)
    ratios = [number for row in rows for number in re.findall(r"\| (\d+\.\d+)(?: [^|]*)? \|$", row)]
    return per_second + times + ratios + re.findall(r"(?<![\d.])(0\.\d+)", text)


@pytest.mark.parametrize("number", sorted(set(_published())))
def test_every_published_result_was_measured(number: str) -> None:
    digits = len(number.partition(".")[2])

    assert any(abs(float(measured) - float(number)) <= 0.5 * 10**-digits + 1e-9 for measured in _measured())


def test_results_are_published_on_that_page_alone() -> None:
    assert len(_published()) > 20
    assert _SPEED.findall(README) == []
