"""Whether a secret could be guessed: too short, too regular, or out of somebody's document."""

import re
from itertools import pairwise

SHORTEST = 32
_FEWEST_CHARACTERS = 10
# What stands in examples, in those of this project too, where the secret should stand.
_SAMPLE = re.compile(
    r"your[_-]|change[_-]?me|insecure|example|replace[_-]?(me|this)|placeholder|(for|only)[_-]tests?"
    r"|^(my[_-]?)?(secret|password)|jwt[_-](secret|key)|_here$|correct[_-]?horse|openssl[_ -]rand",
    re.IGNORECASE,
)


def weakness(secret: str) -> str | None:
    """What is wrong with it, as the end of a sentence that starts with its name; None where nothing is."""
    if len(secret) < SHORTEST or len(set(secret)) < _FEWEST_CHARACTERS or _is_regular(secret):
        return f"is too weak: give it {SHORTEST} random characters or more (openssl rand -base64 48)"
    if is_sample(secret):
        return "looks like a sample from a document; make your own with: openssl rand -base64 48"
    return None


def is_sample(value: str) -> bool:
    return bool(_SAMPLE.search(value))


def _is_regular(secret: str) -> bool:
    """A part over and over, or runs such as abcdef and 98765 that make up half of it."""
    if secret in (secret + secret)[1:-1]:
        return True
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    return sum(step in {-1, 0, 1} for step in steps) * 2 > len(steps)
