"""Directories of signing keys for tests, created by the command that deployments use."""

import io
from pathlib import Path

from django.core.management import call_command

from accounts.tokens.keys import files
from accounts.tokens.keys.files import KeyFile, State


def rotate(directory: Path, *options: str) -> str:
    """Run rotate_keys. Return its output, stdout and stderr together."""
    output = io.StringIO()
    call_command("rotate_keys", "--directory", str(directory), *options, stdout=output, stderr=output)
    return output.getvalue()


def keys_in(directory: Path) -> list[KeyFile]:
    return files.read_all([str(directory)])[0]


def key_in(directory: Path, state: State) -> KeyFile:
    """Return the only key in this state."""
    (key_file,) = (file for file in keys_in(directory) if file.state is state)
    return key_file


def states_in(directory: Path) -> dict[str, int]:
    states = [file.state for file in keys_in(directory)]
    return {state.value: states.count(state) for state in State if state in states}
