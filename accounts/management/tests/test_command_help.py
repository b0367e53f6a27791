"""The help of each management command has a description, valid examples and exit codes."""

import shlex

import pytest
from django.core.management import get_commands, load_command_class

from core.management.documented_command import DocumentedCommand

COMMANDS = (
    "cleanup_tokens", "create_admin", "create_service_client", "reencrypt_mfa_secrets", "rotate_keys", "seed",
    "show_session", "explain_request", "update_passkey_providers",
)  # fmt: skip


def _command(name: str) -> DocumentedCommand:
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, DocumentedCommand)
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_has_a_description_examples_and_exit_codes(name: str) -> None:
    text = _command(name).create_parser("manage.py", name).format_help()

    assert _command(name).help in text  # line by line as it was written
    assert f"examples:\n  manage.py {name}" in text
    assert "Exit codes: 0 success, 1 failure (the message gives the reason), 2 wrong usage." in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_are_valid(name: str) -> None:
    command = _command(name)

    for line in command.examples:
        words = shlex.split(line.partition(" < ")[0].partition(" > ")[0])
        assert command.create_parser("manage.py", name).parse_args(words)


def test_wrong_usage_exits_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        _command("explain_request").run_from_argv(["manage.py", "explain_request"])

    assert end.value.code == 2
    assert "the following arguments are required: REQUEST_ID" in capsys.readouterr().err
