"""Where the value of a variable comes from: the environment, a `.env` file, a mounted secret or a former name."""

import functools
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from core.environment import dotenv, former_names
from core.environment.value_rules import problem_of
from core.paths import BASE_DIR

_former: dict[str, str] = {}


class BadVariable(ImproperlyConfigured):
    """An environment variable is missing or cannot be used; the message starts with the name that the user wrote."""

    def __init__(self, name: str, problem: str) -> None:
        written = f"{_former[name]} (another name of {name})" if name in _former else name
        super().__init__(f"{written} {problem}")


@functools.cache
def load_file() -> dict[str, dotenv.Assignment]:
    """Put what `.env` (or ENV_FILE) sets into the environment, which goes before it; return what the file sets."""
    named = os.environ.get("ENV_FILE")
    path = Path(named) if named else BASE_DIR / ".env"
    assignments = _read_file(path) if named or path.exists() else {}
    given = set(os.environ)
    for name, assignment in assignments.items():
        if f"{name}_FILE" not in given:  # a mounted secret of the environment goes before the file too
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


def value_of(name: str) -> str | None:
    """Raises BadVariable for a value that no variable may have. An empty variable counts as unset."""
    of_file = load_file().get(name)
    value = os.environ.get(name, "").rstrip()
    source = name if value else f"{name}_FILE"
    value = value or _from_file(name) or ""
    is_quoted = of_file is not None and of_file.value == value
    problem = problem_of(value, is_quoted=is_quoted) if value else None
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
