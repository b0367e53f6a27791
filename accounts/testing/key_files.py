"""Directories of signing keys for the tests, made by the command that deployments use."""

import io
from pathlib import Path

from django.core.management import call_command

from accounts.tokens.keys import files
from accounts.tokens.keys.files import KeyFile, State


def rotate(directory: Path, *options: str) -> str:
    """What the command said, on both its outputs."""
    said = io.StringIO()
    call_command("rotate_keys", "--directory", str(directory), *options, stdout=said, stderr=said)
    return said.getvalue()


def keys_in(directory: Path) -> list[KeyFile]:
    return files.read_all([str(directory)])[0]


def key_in(directory: Path, state: State) -> KeyFile:
    """The only key in this state."""
    (found,) = (file for file in keys_in(directory) if file.state is state)
    return found


def states_in(directory: Path) -> dict[str, int]:
    states = [file.state for file in keys_in(directory)]
    return {state.value: states.count(state) for state in State if state in states}
