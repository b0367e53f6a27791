"""A record of the log is one line, whatever a client put into it."""

import logging

import pytest

from config.logs import LineFormatter


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\x1b[31m", "\x07", "\u2028", "\x85", "\0", "\u202e"])
def test_control_characters_are_shown_and_not_sent(odd: str) -> None:
    formatter = LineFormatter("%(levelname)s %(request)s%(message)s")
    record = logging.LogRecord("x", logging.INFO, "", 0, "signed in: %s", (f"alice{odd}INFO signed in: admin",), None)

    line = formatter.format(record)

    assert odd not in line
    assert line.isprintable()
    assert line.startswith("INFO signed in: alice\\")
