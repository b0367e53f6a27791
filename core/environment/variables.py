"""The variables that this project reads, as `.env.example` lists them."""

import difflib
import functools
import re

from core.environment import former_names
from core.paths import BASE_DIR

# `.env.example` leaves these to the command line, to the Makefile and to other tools.
_OTHERS = frozenset({"HOST", "PORT", "WORKER_CONCURRENCY", "ENV_FILE", "DJANGO_SETTINGS_MODULE", "NO_COLOR"})
_ASSIGNMENT = re.compile(r"^# ([A-Z][A-Z0-9_]*)=", re.MULTILINE)
_OF_PROVIDERS = re.compile(r"\(([A-Z][A-Z0-9_, ]*)\)")


def is_known(name: str) -> bool:
    """True for every name where `.env.example` is missing, as in the container's image."""
    known = _known()
    return not known or name.removesuffix("_FILE") in known or name in known


def similar_to(name: str) -> str | None:
    return next(iter(difflib.get_close_matches(name.upper(), _known(), n=1, cutoff=0.8)), None)


@functools.cache
def _known() -> frozenset[str]:
    example = BASE_DIR / ".env.example"
    if not example.is_file():
        return frozenset()
    text = example.read_text()
    of_providers = {name for names in _OF_PROVIDERS.findall(text) for name in names.split(", ")}
    former = {*former_names.NAMES, *former_names.REDIS_PARTS}
    return _OTHERS | of_providers | former | set(_ASSIGNMENT.findall(text))
