"""Normalizes codes and tokens as users paste them: with blanks, dashes, invisible characters or full-width digits."""

import re
import unicodedata

_CODE = re.compile(r"[0-9]{6}")
_MINUS_SIGN = "\N{MINUS SIGN}"
_LINE_WHITESPACE = "\t\n\r"
_BLANK_CATEGORIES = {"Zs", "Zl", "Zp", "Cf"}  # blanks, line separators, and format characters such as U+200B and U+FEFF


def one_time_code(text: str) -> str | None:
    """Return the six ASCII digits that `text` stands for, or None if it cannot be a code."""
    digits = "".join(str(unicodedata.decimal(char, char)) for char in compact(text))
    return digits if _CODE.fullmatch(digits) else None


def token(text: str) -> str:
    """Return `text` without the blanks and invisible characters at its ends. Within a token they make it invalid."""
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while end > start and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def compact(text: str) -> str:
    """Return `text` in the compatibility form NFKC, without blanks and dashes."""
    return "".join(char for char in unicodedata.normalize("NFKC", text) if not _is_separator(char))


def _is_blank(char: str) -> bool:
    return char in _LINE_WHITESPACE or unicodedata.category(char) in _BLANK_CATEGORIES


def _is_separator(char: str) -> bool:
    return char == _MINUS_SIGN or unicodedata.category(char) == "Pd" or _is_blank(char)
