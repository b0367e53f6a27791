"""Finding people by what a support person has at hand, through indexes alone: a million users are too many to look through."""

import uuid
from functools import reduce
from operator import and_

from django.db.models import Q

from accounts.admin.prefix_lookups import begins, begins_in_any_case
from accounts.identity import email_key_or_none, username_key
from accounts.models import User
from core.ids import parse_id

_MOST_PEOPLE = 100


def people(text: str) -> Q:
    """Each word begins an email, a username, a first or a last name, or is a whole id.

    The longest goes first: SQLite looks that one up, and goes through what it found for the others.
    """
    words = sorted(text.split(), key=lambda word: len(word.encode()), reverse=True)
    return reduce(and_, map(_begins, words), Q())


def _begins(word: str) -> Q:
    user_id = parse_id(word)
    if user_id is not None:
        return Q(id=user_id)
    # An address with its domain may be kept in another spelling, as international domains are.
    found = begins("email_key", email_key_or_none(word) or word.casefold())
    if "@" in word:
        return found
    return (
        found
        | begins("username_key", username_key(word))
        | begins_in_any_case("first_name", word)
        | begins_in_any_case("last_name", word)
    )


def ids_of_people(text: str) -> list[uuid.UUID]:
    """Of those found, the newest; the id itself too where its user is gone."""
    named = parse_id(text.strip())
    if named is not None:
        return [named]
    return list(User.objects.filter(people(text)).order_by("-id").values_list("id", flat=True)[:_MOST_PEOPLE])
