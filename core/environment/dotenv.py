"""Reads a `.env` file, restricted to the syntax that Docker Compose and systemd's EnvironmentFile read alike.

The two programs disagree about a comment after a value, an unquoted `$` or backslash, and text after a closing quote.
Such a line is refused by its number: a wrong guess would start the service with a value that its owner did not write.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from core.environment.value_rules import find_problem

_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([^=]*?)[ \t]*=[ \t]*(.*)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = re.compile(r"\\([\\\"$`])")


class BadLine(ValueError):
    """The message continues a sentence that starts with the file and the line. It never quotes a value."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(problem)
        self.number = number


@dataclass(frozen=True, slots=True)
class Assignment:
    line: int
    value: str


def parse(content: bytes) -> dict[str, Assignment]:
    """Return the assignments by name. Raise BadLine for the first line whose meaning is ambiguous."""
    assignments: dict[str, Assignment] = {}
    for number, line in enumerate(_lines(content), start=1):
        text = line.strip(" \t\r")
        if not text or text.startswith("#"):
            continue
        name, value = _assignment(number, text)
        if name in assignments:
            raise BadLine(number, f"sets {name} again, which line {assignments[name].line} sets; remove one of the two")
        assignments[name] = Assignment(number, value)
    return assignments


def read(path: Path) -> dict[str, Assignment]:
    """Raise OSError or BadLine."""
    return parse(path.read_bytes())


def _lines(content: bytes) -> list[str]:
    """Return the lines without the byte-order mark of Windows editors, which would become part of the first name."""
    lines = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise BadLine(number, "is not UTF-8 text; save the file as UTF-8") from error
    return content.decode("utf-8-sig").split("\n")


def _assignment(number: int, text: str) -> tuple[str, str]:
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        raise BadLine(number, "has no =; write NAME=value, or start a comment with #")
    name, raw = match[1], match[2]
    if not _NAME.fullmatch(name):
        raise BadLine(number, "has no valid name before the =; a name consists of letters, digits and _")
    value = _quoted(number, raw) if raw[:1] in {"'", '"'} else _unquoted(number, raw)
    problem = find_problem(value, is_quoted=True) if value else None  # an unquoted # is refused already
    if problem:
        raise BadLine(number, f"sets {name}, whose value {problem}")
    return name, value


def _quoted(number: int, raw: str) -> str:
    """Single quotes take everything literally; in double quotes a backslash escapes a quote, a $, a backtick or itself."""
    quote = raw[0]
    pattern = r"'([^']*)'(.*)" if quote == "'" else r'"((?:[^"\\]|\\.)*)"(.*)'
    match = re.fullmatch(pattern, raw)
    if match is None:
        raise BadLine(number, f"opens a quote ({quote}) and does not close it; a value ends on its own line")
    if match[2].strip():
        raise BadLine(
            number, "has text after the closing quote; quote the whole value, and put comments on lines of their own"
        )
    if quote == "'":
        return match[1]
    if re.search(r"[\\$`]", _ESCAPED.sub("", match[1])):
        raise BadLine(
            number, "has a $, ` or backslash in double quotes, which other programs expand; use single quotes"
        )
    return _ESCAPED.sub(r"\1", match[1])


def _unquoted(number: int, raw: str) -> str:
    if re.search(r"\s#", raw):
        raise BadLine(number, "has a # after a space; put comments on lines of their own, or quote the value")
    if re.search(r"[$\\]", raw):
        raise BadLine(number, "has an unquoted $ or backslash, which other programs expand; use single quotes")
    return raw
