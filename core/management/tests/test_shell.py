"""Shell scripts and the shell blocks of the documents stop at the first error and pass shellcheck."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.paths import BASE_DIR

SCRIPTS = sorted(
    [BASE_DIR / ".ci" / "run", BASE_DIR / "docker" / "debian" / "vestibule-manage"]
    + [path for folder in ("core", "docker") for path in (BASE_DIR / folder).rglob("*.sh")]
)
DOCUMENTS = sorted([BASE_DIR / "README.md", BASE_DIR / "CONTRIBUTING.md", *(BASE_DIR / "docs").glob("*.md")])
_BLOCK = re.compile(r"^(?P<indent> *)```sh(?: \w+)?\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
# Commands that change the machine: after an error, the commands that follow would change it further.
_CHANGES = re.compile(
    r"^\s*(apt-get|ln|rm -r|cp|mv|install|systemctl|runuser|useradd|docker compose|\S*pip install|cat >)\b",
    re.MULTILINE,
)


def _blocks() -> list[tuple[str, str]]:
    blocks = []
    for document in DOCUMENTS:
        text = document.read_text()
        for block in _BLOCK.finditer(text):
            code = re.sub(rf"^{block['indent']}", "", block["code"], flags=re.MULTILINE)
            blocks.append((f"{document.name}:{text.count(chr(10), 0, block.start())}", code))
    return blocks


def _commands(code: str) -> list[str]:
    """Return the lines that start a command: no comments, continuation lines or here-documents."""
    code = re.sub(r"<<-?'?(\w+)'?([^\n]*)\n.*?^\1$", r"\2", code.replace("\\\n", " "), flags=re.MULTILINE | re.DOTALL)
    return [line for line in code.splitlines() if re.match(r"[^\s#]", line)]


def _shellcheck(*arguments: str | Path, code: str | None = None) -> str:
    program = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([program, *arguments], input=code, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_stops_at_its_first_error_and_passes_shellcheck(script: Path) -> None:
    assert re.search(r"^set -eu", script.read_text(), re.MULTILINE)
    assert _shellcheck(script) == ""


@pytest.mark.parametrize(("place", "code"), _blocks(), ids=lambda part: part if ".md:" in part else "")
def test_a_shell_block_that_changes_a_machine_stops_at_its_first_error(place: str, code: str) -> None:
    # SC2034, SC2154: a variable of another block. SC2164: `git clone … && cd`.
    assert _shellcheck("--shell=bash", "--severity=warning", "--exclude=SC2034,SC2154,SC2164", "-", code=code) == "", (
        place
    )

    if _CHANGES.search(code) and len(_commands(code)) > 1:
        assert code.startswith("(set -eu\n"), place
        assert code.endswith("\n)\n"), place


def test_a_shell_block_that_continues_after_an_error_is_detected() -> None:
    assert _CHANGES.search('ln -sfn "$RELEASE" current\nsystemctl restart web\n')
    assert len(_commands("cat > a <<END\nx\nEND\nsystemctl \\\n  restart a\n# no\n")) == 2
    assert len(_blocks()) > 30
