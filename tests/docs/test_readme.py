"""The README tells the truth about error codes and variables."""

import re
from collections.abc import Iterator

import pytest

import accounts.exceptions  # noqa: F401 - its classes are found as subclasses
from core.api.exceptions import ApiError
from core.paths import BASE_DIR

README = (BASE_DIR / "README.md").read_text()
ENV_EXAMPLE = (BASE_DIR / ".env.example").read_text()
# What tools of the outside set, or what only the tests and the Makefile know.
_NOT_FOR_USERS = {"ENV_FILE", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER"}
_READER = re.compile(r"env\.\w+\(\s*\"([A-Z][A-Z0-9_]+)\"")


def _subclasses(parent: type[ApiError]) -> Iterator[type[ApiError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def _variables() -> set[str]:
    sources = [
        path for app in ("config", "core") for path in (BASE_DIR / app).rglob("*.py") if "tests" not in path.parts
    ]
    return {name for path in sources for name in _READER.findall(path.read_text())} - _NOT_FOR_USERS


@pytest.mark.parametrize("code", sorted({error.code for error in _subclasses(ApiError)}))
def test_every_error_code_is_in_the_readme(code: str) -> None:
    assert f"`{code}`" in README


@pytest.mark.parametrize("name", sorted(_variables()))
def test_every_variable_is_in_the_readme_and_in_the_example(name: str) -> None:
    assert f"`{name}`" in README
    assert re.search(rf"^# {name}=", ENV_EXAMPLE, re.MULTILINE) or f"({name}" in ENV_EXAMPLE or name in {"HOST", "PORT"}


def _measured() -> list[str]:
    """All numbers of the pages that `make bench` and `make bench-scale` write, without their thousands' commas."""
    pages = [(BASE_DIR / "docs" / "benchmark" / name).read_text() for name in ("results.md", "scale.md")]
    return re.findall(r"\d+(?:\.\d+)?", "".join(pages).replace(",", ""))


def _figures() -> list[str]:
    """What the README says of speed: a second, milliseconds, and shares of something else."""
    text = (
        README.partition("## How fast it is")[2].partition("## How it compares")[0].replace("\N{NO-BREAK SPACE}", " ")
    )
    per_second = [number.replace(" ", "") for number in re.findall(r"(\d[\d ]*)/s\b", text)]
    times = re.findall(r"(\d+(?:\.\d+)?) ms\b", text)
    shares = [
        found
        for line in text.splitlines()
        if line.startswith("|")
        for found in re.findall(r"\| (\d+\.\d+)(?: [^|]*)? \|$", line)
    ]
    return per_second + times + shares + re.findall(r"(?<![\d.])(0\.\d+)", text)


@pytest.mark.parametrize("figure", sorted(set(_figures())))
def test_every_figure_of_the_readme_was_measured(figure: str) -> None:
    digits = len(figure.partition(".")[2])

    assert any(abs(float(number) - float(figure)) <= 0.5 * 10**-digits + 1e-9 for number in _measured())


def test_no_other_part_of_the_readme_says_how_fast_something_is() -> None:
    rest = README.replace(README.partition("## How fast it is")[2].partition("## How it compares")[0], "")

    assert re.findall(r"\d[\d.,]* ?(?:ms\b|s in \d|requests a second)", rest) == []
    assert len(_figures()) > 20


def test_the_variables_were_really_looked_for() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "REFRESH_REUSE_GRACE", "TRUSTED_PROXIES"} <= _variables()
