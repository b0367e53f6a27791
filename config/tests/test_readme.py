"""The README tells the truth about error codes and variables."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import accounts.exceptions  # noqa: F401 - its classes are found as subclasses
from config.api.exceptions import ApiError
from config.embedded.paths import BASE_DIR

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
    sources = [path for path in Path(BASE_DIR / "config").rglob("*.py") if "tests" not in path.parts]
    return {name for path in sources for name in _READER.findall(path.read_text())} - _NOT_FOR_USERS


@pytest.mark.parametrize("code", sorted({error.code for error in _subclasses(ApiError)}))
def test_every_error_code_is_in_the_readme(code: str) -> None:
    assert f"`{code}`" in README


@pytest.mark.parametrize("name", sorted(_variables()))
def test_every_variable_is_in_the_readme_and_in_the_example(name: str) -> None:
    assert f"`{name}`" in README
    assert re.search(rf"^# {name}=", ENV_EXAMPLE, re.MULTILINE) or f"({name}" in ENV_EXAMPLE or name in {"HOST", "PORT"}


def test_the_variables_were_really_looked_for() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "REFRESH_REUSE_GRACE", "TRUSTED_PROXIES"} <= _variables()
