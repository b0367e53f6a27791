"""Search for users by the start of an email, username or name, through indexes only: a scan of a million users is too slow."""

import uuid
from functools import reduce
from operator import and_

from django.db import connection
from django.db.models import F, Q, Value
from django.db.models.functions import Upper
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from accounts.identity import email_key_or_none, username_key
from accounts.models import User
from core.ids import parse_id

_MAX_USERS = 100
_MAX_CHARACTER = "\U0010ffff"  # sorts after every other character


def user_search_q(text: str) -> Q:
    """Match users for whom each word starts an email, a username, a first or a last name, or is an id.

    The longest word comes first: SQLite looks it up in an index, and scans its matches for the other words.
    """
    words = sorted(text.split(), key=lambda word: len(word.encode()), reverse=True)
    return reduce(and_, map(_word_q, words), Q())


def _word_q(word: str) -> Q:
    user_id = parse_id(word)
    if user_id is not None:
        return Q(id=user_id)
    # A complete email may be stored in another spelling, as with internationalized domains.
    email_q = startswith("email_key", email_key_or_none(word) or word.casefold())
    if "@" in word:
        return email_q
    return (
        email_q
        | startswith("username_key", username_key(word))
        | istartswith("first_name", word)
        | istartswith("last_name", word)
    )


def search_user_ids(text: str) -> list[uuid.UUID]:
    """Return the ids of the newest matching users. A search for an id returns it even if the user was deleted."""
    user_id = parse_id(text.strip())
    if user_id is not None:
        return [user_id]
    return list(User.objects.filter(user_search_q(text)).order_by("-id").values_list("id", flat=True)[:_MAX_USERS])


def startswith(column: str, text: str) -> Q:
    """Match a prefix through an index. The column has a unique index and values of one case."""
    if connection.vendor == "postgresql":
        return Q(**{f"{column}__startswith": text})
    return Q(**{f"{column}__gte": text, f"{column}__lt": text + _MAX_CHARACTER})


def istartswith(column: str, text: str) -> Q:
    """Match a prefix in any case through a PrefixIndex.

    SQLite changes the case of ASCII letters only, and does not use an index for LIKE.
    """
    if connection.vendor == "postgresql":
        return Q(**{f"{column}__istartswith": text})
    upper = Upper(F(column))
    start = "".join(character.upper() if character.isascii() else character for character in text)
    return Q(GreaterThanOrEqual(upper, Value(start))) & Q(LessThan(upper, Value(start + _MAX_CHARACTER)))
