#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
# With PYTHONSAFEPATH neither this process nor the ones that it starts would find the project.
os.environ.pop("PYTHONSAFEPATH", None)
if str(_FOLDER) not in sys.path:
    sys.path.insert(0, str(_FOLDER))

from django.core.management import execute_from_command_line  # noqa: E402 - after the path is set

from core.paths import path_problem  # noqa: E402

if _problem := path_problem(_FOLDER):
    sys.exit(_problem)

from core.environment.env import BadVariable  # noqa: E402 - the import writes into the folder


def _open_closed_streams() -> None:
    """Open streams that are closed, as by `>&-`: otherwise the next opened file becomes the children's stdout."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays open until the process exits


if __name__ == "__main__":
    _open_closed_streams()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    try:
        execute_from_command_line(sys.argv)
    except BadVariable as error:
        sys.exit(f"{error}.")
