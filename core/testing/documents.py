"""Runs the commands of a document, in one shell from its top to its end, as somebody pastes them.

Blocks of `sh` and `python` are run, but for those under `<!-- not run: why -->`; `<!-- run by: manage.py shell -->` names what
runs a block of Python. A block of `text` right after one is its output, in which `…` stands for anything.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from core.testing.clone import Clone

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<note>not run|run by): *(?P<words>.*?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```$\n?",
    re.MULTILINE | re.DOTALL,
)
_NEXT = "\036"  # nothing prints it but the line between two blocks
_PRINTED_URL = "http://127.0.0.1:8000"
_SECONDS = 120


@dataclass(frozen=True)
class Step:
    """One block; `output` is what the document prints of it, if anything."""

    line: int
    code: str
    output: str | None = None


@dataclass(frozen=True)
class Outcome:
    """`printed` holds what each block printed that was come to; `faults` goes to whoever reads why one failed."""

    code: int
    printed: list[str]
    faults: str


def steps(text: str) -> list[Step]:
    found: list[Step] = []
    end = -1
    for block in _BLOCK.finditer(text):
        code = re.sub(rf"^{block['indent']}", "", block["code"], flags=re.MULTILINE)
        if block["language"] == "text" and block.start() == end and found:
            found[-1] = Step(found[-1].line, found[-1].code, output=code)
        elif block["language"] in {"sh", "python"} and block["note"] != "not run":
            line = text.count("\n", 0, block.start("code"))
            found.append(Step(line, _command(code, block["language"], block["words"])))
            end = block.end()
    return found


def _command(code: str, language: str, interpreter: str | None) -> str:
    if language == "sh":
        return code
    command = f"{interpreter} -v 0" if interpreter else "python -"
    return f"{command} <<'END OF BLOCK'\n{code}END OF BLOCK\n"


def run(found: list[Step], clone: Clone) -> Outcome:
    """Stops at the first command that fails. What a block sets, the later ones see, those of Python too."""
    script = "set -eua\n" + "".join(f"printf '{_NEXT}'\n{step.code}" for step in found)
    done = subprocess.run(
        ["/bin/sh", "-c", script.replace(_PRINTED_URL, clone.url)],
        cwd=clone.folder,
        env=clone.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.split(_NEXT)[1:], done.stderr[-3000:])


def differences(found: list[Step], outcome: Outcome) -> Iterator[str]:
    for step, printed in zip(found, outcome.printed, strict=False):
        if step.output is not None and not re.fullmatch(_pattern(step.output), printed.strip()):
            yield f"line {step.line} promises\n{step.output}and prints\n{printed}"


def _pattern(output: str) -> str:
    """A line that is nothing but `…` is any number of lines."""
    lines = (r"(?:.*\n)*?.*" if line == "…" else re.escape(line).replace("…", ".*?") for line in output.splitlines())
    return "\n".join(lines)
