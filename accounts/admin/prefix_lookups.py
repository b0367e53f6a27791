"""Conditions for how a column begins, in the form that each database answers through an index."""

from django.db import connection
from django.db.models import F, Q, Value
from django.db.models.functions import Upper
from django.db.models.lookups import GreaterThanOrEqual, LessThan

_LAST = "\U0010ffff"  # behind every other letter


def begins(column: str, text: str) -> Q:
    """For a column of keys, which are unique and of one case."""
    if connection.vendor == "postgresql":
        return Q(**{f"{column}__startswith": text})
    return Q(**{f"{column}__gte": text, f"{column}__lt": text + _LAST})


def begins_in_any_case(column: str, text: str) -> Q:
    """For a column with a PrefixIndex. SQLite knows no case but that of A to Z, and of its LIKE no index."""
    if connection.vendor == "postgresql":
        return Q(**{f"{column}__istartswith": text})
    upper = Upper(F(column))
    first = "".join(letter.upper() if letter.isascii() else letter for letter in text)
    return Q(GreaterThanOrEqual(upper, Value(first))) & Q(LessThan(upper, Value(first + _LAST)))
