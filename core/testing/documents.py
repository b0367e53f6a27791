"""Runs the commands of a document in one shell, from top to bottom, as a reader pastes them.

Blocks of `sh` and `python` are run, except those below `<!-- not run: reason -->`. `<!-- run by: manage.py shell -->` names
the interpreter of a Python block. A `text` block right after a command is its expected output, in which `…` matches anything.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from core.testing.clone import Clone

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<note>not run|run by): *(?P<argument>.*?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```$\n?",
    re.MULTILINE | re.DOTALL,
)
_NEXT = "\036"  # the record separator: only the script prints it, between two blocks
_PRINTED_URL = "http://127.0.0.1:8000"
_SECONDS = 120


@dataclass(frozen=True)
class Step:
    """One block; `output` is the output that the document promises, if any."""

    line: int
    code: str
    output: str | None = None


@dataclass(frozen=True)
class Outcome:
    """`printed` holds the output of each executed block; `errors` is the end of standard error."""

    code: int
    printed: list[str]
    errors: str


def steps(text: str) -> list[Step]:
    blocks: list[Step] = []
    end = -1
    for block in _BLOCK.finditer(text):
        code = re.sub(rf"^{block['indent']}", "", block["code"], flags=re.MULTILINE)
        if block["language"] == "text" and block.start() == end and blocks:
            blocks[-1] = Step(blocks[-1].line, blocks[-1].code, output=code)
        elif block["language"] in {"sh", "python"} and block["note"] != "not run":
            line = text.count("\n", 0, block.start("code"))
            blocks.append(Step(line, _command(code, block["language"], block["argument"])))
            end = block.end()
    return blocks


def _command(code: str, language: str, interpreter: str | None) -> str:
    if language == "sh":
        return code
    command = f"{interpreter} -v 0" if interpreter else "python -"
    return f"{command} <<'END OF BLOCK'\n{code}END OF BLOCK\n"


def run(blocks: list[Step], clone: Clone) -> Outcome:
    """Stop at the first failing command. Later blocks, in Python too, see the variables that a block sets."""
    script = "set -eua\n" + "".join(f"printf '{_NEXT}'\n{step.code}" for step in blocks)
    result = subprocess.run(
        ["/bin/sh", "-c", script.replace(_PRINTED_URL, clone.url)],
        cwd=clone.folder,
        env=clone.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return Outcome(result.returncode, result.stdout.split(_NEXT)[1:], result.stderr[-3000:])


def differences(blocks: list[Step], outcome: Outcome) -> Iterator[str]:
    for step, printed in zip(blocks, outcome.printed, strict=False):
        if step.output is not None and not re.fullmatch(_pattern(step.output), printed.strip()):
            yield f"line {step.line} promises\n{step.output}and prints\n{printed}"


def _pattern(output: str) -> str:
    """Return the output as a pattern. A line with only `…` matches any number of lines."""
    lines = (r"(?:.*\n)*?.*" if line == "…" else re.escape(line).replace("…", ".*?") for line in output.splitlines())
    return "\n".join(lines)
