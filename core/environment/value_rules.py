"""Rules for the value of any variable, from a shell, a `.env` file or a mounted secret."""

import re
import unicodedata

# Cc, Zl and Zp break lines of files, logs and headers. Python decodes bytes that are not UTF-8 as Cs.
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
_INVISIBLE = frozenset("\ufeff\u200b")
# `docker run --env-file` and systemd keep text that Compose treats as a comment. `Team #1` is not a comment.
_COMMENT = re.compile(r"\s#(?!\S)|\s\s#")


def find_problem(value: str, *, is_quoted: bool = False) -> str | None:
    """Return the end of a sentence that starts with the variable's name, or None for a valid value.

    In a value that was quoted in a file, a # cannot start a comment.
    """
    categories = {unicodedata.category(character) for character in value}
    if "Cs" in categories:
        return "is not UTF-8 text"
    if value[:1].isspace():
        return "begins with white space; write it directly after the ="
    if categories & _BREAKS or _INVISIBLE & set(value):
        return "has a line break or another invisible character; write it in one line"
    if value.startswith("#"):
        return "begins with #, as a comment does; put comments on lines of their own"
    if not is_quoted and _COMMENT.search(value):
        return "has a comment after it; put comments on lines of their own"
    return None
