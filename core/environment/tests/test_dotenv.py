"""A `.env` file is parsed, or refused with file and line but without the value."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.environment import dotenv
from core.environment.env import BadVariable
from core.paths import BASE_DIR
from core.testing.fresh_settings import PRODUCTION, load

# The content of the file and the value of THING.
READ = [
    (b"THING=value", "value"),
    (b"\xef\xbb\xbfTHING=value", "value"),
    (b"# first\n\n  # indented\nTHING=value\n", "value"),
    (b"THING = value", "value"),
    (b"\t THING=value", "value"),
    (b"export THING=value", "value"),
    (b"export\t THING = 'value' ", "value"),
    (b"THING=value\r\n", "value"),
    (b"THING=value \t\r\n", "value"),
    (b"THING=", ""),
    (b"THING=''", ""),
    (b"THING=Example <a@example.com>", "Example <a@example.com>"),
    (b"THING='Team #1, $5 \\ \"x\" `y`'", "Team #1, $5 \\ \"x\" `y`"),
    (b'THING="Team #1 \\"x\\" \\\\ \\$5 \\`"', 'Team #1 "x" \\ $5 `'),
    (b"THING=a#b", "a#b"),
    (b"THING=a=b==", "a=b=="),
    (b"THING=it's", "it's"),
    ("THING=Société".encode(), "Société"),
]  # fmt: skip
# The content of the file, the refused line, and a part of the reason. `s3cret` is never shown.
REFUSED = [
    (b"A=1\nTHING=s3cret # comment", 2, "a # after a space"),
    (b"THING= # s3cret", 1, "begins with #"),
    (b"THING=#s3cret", 1, "begins with #"),
    (b"THING=' s3cret'", 1, "begins with white space"),
    ("THING=\u00a0s3cret".encode(), 1, "begins with white space"),
    (b"THING='s3cret' # comment", 1, "text after the closing quote"),
    (b"THING='s3cret", 1, "does not close"),
    (b'THING="s3cret\nB=1"', 1, "does not close"),
    (b'THING="Acme, Inc." <s3cret@example.com>', 1, "text after the closing quote"),
    (b"THING=s3cret\nA=1\nTHING=s3cret2", 3, "line 1 sets"),
    (b"A=1\n\ns3cret", 3, "has no ="),
    (b"export THING", 1, "has no ="),
    (b"=s3cret", 1, "no valid name"),
    (b"1THING=s3cret", 1, "no valid name"),
    (b"MY-THING=s3cret", 1, "no valid name"),
    (b"MY THING=s3cret", 1, "no valid name"),
    (b"; comment=s3cret", 1, "no valid name"),
    (b"A=1\nTHING=s3cret\xff", 2, "not UTF-8"),
    ("THING=s3cret".encode("utf-16"), 1, "not UTF-8"),
    (b"THING=s3cret\x00", 1, "invisible"),
    (b"THING=s3cret\rB=1", 1, "invisible"),
    ("THING=s3cret\u200b".encode(), 1, "invisible"),
    (b"THING=s3cret$HOME", 1, "unquoted $"),
    (b"THING=s3cret\\n", 1, "unquoted $ or backslash"),
    (b'THING="s3cret$HOME"', 1, "in double quotes"),
    (b'THING="s3cret\\n"', 1, "in double quotes"),
]


@pytest.mark.parametrize(("content", "value"), READ, ids=repr)
def test_every_supported_syntax_is_read(content: bytes, value: str) -> None:
    assert dotenv.parse(content)["THING"].value == value


@pytest.mark.parametrize(("content", "line", "reason"), REFUSED, ids=repr)
def test_ambiguous_syntax_is_refused_with_its_line_number(
    tmp_path: Path, content: bytes, line: int, reason: str
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content)

    with pytest.raises(BadVariable) as caught:
        load({**PRODUCTION, "ENV_FILE": str(file)})

    assert str(caught.value).startswith(f"{file}:{line} ")
    assert reason in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_file_of_env_file_must_be_readable(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BadVariable, match=rf"^ENV_FILE names a file that cannot be read: {re.escape(str(path))}"):
            load({**PRODUCTION, "ENV_FILE": str(path)})


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfvestibule-2\r\n", b"vestibule-2\n", b"vestibule-2 \n\n"], ids=repr)
def test_a_mounted_secret_is_read_without_byte_order_mark_and_line_end(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "issuer").write_bytes(content)

    assert load({**PRODUCTION, "JWT_ISSUER_FILE": str(tmp_path / "issuer")}).JWT_ISSUER == "vestibule-2"


def test_a_mounted_secret_takes_precedence_over_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("JWT_ISSUER=of-the-file\n")
    (tmp_path / "issuer").write_text("of-the-mount")
    environment = {**PRODUCTION, "ENV_FILE": str(tmp_path / ".env")}

    assert load(environment).JWT_ISSUER == "of-the-file"
    # `docker run --env-file` keeps the line end of Windows.
    assert load({**environment, "JWT_ISSUER_FILE": f"{tmp_path}/issuer\r"}).JWT_ISSUER == "of-the-mount"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xef\xbb\xbf", b"\xff\xfes3cret", b"# s3cret", b" s3cret", b"s3\ncret", b"s3cret\x00"],
    ids=repr,
)
def test_an_invalid_mounted_secret_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    environment = {**PRODUCTION, "SECRET_KEY": None, "SECRET_KEY_FILE": str(tmp_path / "secret")}

    with pytest.raises(BadVariable, match=r"^SECRET_KEY_FILE ") as caught:
        load(environment)

    assert "cret" not in str(caught.value).replace(str(tmp_path / "secret"), "").replace("SECRET", "")


def test_a_bad_line_stops_every_command_with_one_line_of_output(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DEBUG=on\nnonsense\n")

    result = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=BASE_DIR, env={"ENV_FILE": str(tmp_path / ".env")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"{tmp_path}/.env:2 has no =")


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"DEBUG=off", "unset"), (b"\xef\xbb\xbfDEBUG=off", "unset"), (b"  export DEBUG = off\r", "unset"),
     (b"DEBUG_FILE=/x", "unset"), (b"# DEBUG=off", "on"), (b"MY_DEBUG=off", "on")],
    ids=repr,
)  # fmt: skip
def test_make_finds_debug_in_the_env_file_in_every_syntax(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    rule = 'show: ; @$(in_development); echo "$${DEBUG:-unset}"'

    for locale in ("C", "C.UTF-8"):
        command = ["make", "--no-print-directory", "-f", str(BASE_DIR / "Makefile"), f"--eval={rule}", "show"]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": locale}
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert result.stdout.strip() == expected
