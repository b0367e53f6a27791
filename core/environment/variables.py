"""The variables that the project reads, as listed in `.env.example`."""

import difflib
import functools
import re

from core.environment import former_names
from core.paths import BASE_DIR

# Variables of the command line, the Makefile and other tools, which `.env.example` does not list.
_UNLISTED = frozenset({"HOST", "PORT", "WORKER_CONCURRENCY", "ENV_FILE", "DJANGO_SETTINGS_MODULE", "NO_COLOR"})
_ASSIGNMENT = re.compile(r"^# ([A-Z][A-Z0-9_]*)=", re.MULTILINE)
_PROVIDER_CREDENTIALS = re.compile(r"\(([A-Z][A-Z0-9_, ]*)\)")


def is_known(name: str) -> bool:
    """Return whether the project reads the variable; always True without `.env.example`, as in the container image."""
    names = _known_names()
    return not names or name.removesuffix("_FILE") in names or name in names


def similar_to(name: str) -> str | None:
    return next(iter(difflib.get_close_matches(name.upper(), _known_names(), n=1, cutoff=0.8)), None)


@functools.cache
def _known_names() -> frozenset[str]:
    example = BASE_DIR / ".env.example"
    if not example.is_file():
        return frozenset()
    text = example.read_text("utf-8")
    credentials = {name for names in _PROVIDER_CREDENTIALS.findall(text) for name in names.split(", ")}
    former = {*former_names.NAMES, *former_names.REDIS_PARTS}
    return _UNLISTED | credentials | former | set(_ASSIGNMENT.findall(text))
