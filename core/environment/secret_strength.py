"""Detects guessable secrets: too short, too regular, or copied from documentation."""

import re
from itertools import pairwise

MIN_LENGTH = 32
_MIN_DISTINCT_CHARACTERS = 10
# Placeholders of examples, including those of this project.
_SAMPLE = re.compile(
    r"your[_-]|change[_-]?me|insecure|example|replace[_-]?(me|this)|placeholder|(for|only)[_-]tests?"
    r"|^(my[_-]?)?(secret|password)|jwt[_-](secret|key)|_here$|correct[_-]?horse|openssl[_ -]rand",
    re.IGNORECASE,
)


def secret_weakness(secret: str) -> str | None:
    """Return the end of a sentence that starts with the secret's name, or None for a strong secret."""
    if len(secret) < MIN_LENGTH or len(set(secret)) < _MIN_DISTINCT_CHARACTERS or _is_regular(secret):
        return f"is too weak: use {MIN_LENGTH} random characters or more (openssl rand -base64 48)"
    if is_sample(secret):
        return "looks like a sample from documentation; generate your own with: openssl rand -base64 48"
    return None


def is_sample(value: str) -> bool:
    return bool(_SAMPLE.search(value))


def _is_regular(secret: str) -> bool:
    """Return whether the secret repeats one part, or consists by half of runs such as abcdef and 98765."""
    if secret in (secret + secret)[1:-1]:
        return True
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    return sum(step in {-1, 0, 1} for step in steps) * 2 > len(steps)
