"""Looks up the value of a variable: in the environment, a `.env` file, a mounted secret or under a former name."""

import functools
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from core.environment import dotenv, former_names
from core.environment.value_rules import find_problem
from core.paths import BASE_DIR

_former: dict[str, str] = {}


class BadVariable(ImproperlyConfigured):
    """An environment variable is missing or cannot be used; the message starts with the name that the operator wrote."""

    def __init__(self, name: str, problem: str) -> None:
        written = f"{_former[name]} (another name of {name})" if name in _former else name
        super().__init__(f"{written} {problem}")


@functools.cache
def load_file() -> dict[str, dotenv.Assignment]:
    """Load `.env` (or ENV_FILE) into `os.environ`, whose own values take precedence. Return the file's assignments."""
    named = os.environ.get("ENV_FILE")
    path = Path(named) if named else BASE_DIR / ".env"
    assignments = _read_file(path) if named or path.exists() else {}
    given = set(os.environ)
    for name, assignment in assignments.items():
        if f"{name}_FILE" not in given:  # a mounted secret of the environment takes precedence too
            os.environ.setdefault(name, assignment.value)
    try:
        _former.update(former_names.apply(os.environ))
    except former_names.BadPart as error:
        raise BadVariable(*str(error).split(" ", 1)) from error
    return assignments


def _read_file(path: Path) -> dict[str, dotenv.Assignment]:
    try:
        return dotenv.read(path)
    except dotenv.BadLine as error:
        raise BadVariable(f"{path}:{error.number}", str(error)) from None
    except OSError as error:
        raise BadVariable("ENV_FILE", f"names a file that cannot be read: {path}") from error


def is_set(name: str) -> bool:
    load_file()
    return bool(os.environ.get(name, "").rstrip() or os.environ.get(f"{name}_FILE", "").rstrip())


def get_value(name: str) -> str | None:
    """Return the variable's value, or None if it is unset or empty. Raise BadVariable for an invalid value."""
    assignment = load_file().get(name)
    value = os.environ.get(name, "").rstrip()
    source = name if value else f"{name}_FILE"
    value = value or _from_file(name) or ""
    is_quoted = assignment is not None and assignment.value == value
    problem = find_problem(value, is_quoted=is_quoted) if value else None
    if problem:
        raise BadVariable(source, problem)
    return value or None


def _from_file(name: str) -> str | None:
    path = os.environ.get(f"{name}_FILE", "").rstrip()
    if not path:
        return None
    try:
        value = Path(path).read_text(encoding="utf-8-sig").rstrip()
    except (OSError, ValueError) as error:
        raise BadVariable(f"{name}_FILE", f"names a file that cannot be read: {path}") from error
    if not value:
        raise BadVariable(f"{name}_FILE", f"names an empty file: {path}")
    return value
