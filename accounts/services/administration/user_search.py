"""Finds users for an administrator: searched, filtered, ordered, a page at a time."""

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from accounts.identity import email_key_or_none, username_key
from accounts.models import User
from core.ids import parse_id

ORDERINGS = {"createdAt": "created_at", "username": "username_key", "email": "email_key", "lastLoginAt": "last_login"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """`text` is words that must all be found; `ordering` one of ORDERINGS, with `-` in front for the other way round."""

    text: str = ""
    role: str | None = None
    email_verified: bool | None = None
    is_active: bool | None = None
    ordering: str = "-createdAt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    users: list[User]
    count: int


def find(search: Search, *, page: int, page_size: int) -> Page:
    """A page of what was found, counted from 1, and how many there are in all: two queries."""
    found = _filtered(search)
    start = (page - 1) * page_size
    rows = found.order_by(_order(search.ordering), "id")[start : start + page_size]
    return Page(users=list(rows), count=found.count())


def _filtered(search: Search) -> QuerySet[User]:
    found = User.objects.all()
    for word in search.text.split():
        found = found.filter(_holds(word))
    if search.role is not None:
        found = found.filter(role=search.role)
    if search.email_verified is not None:
        found = found.filter(email_verified_at__isnull=not search.email_verified)
    if search.is_active is not None:
        found = found.filter(is_active=search.is_active)
    return found


def _holds(word: str) -> Q:
    """Email and username by the keys they are unique by, so that the way a word is spelled does not matter."""
    match = Q(email_key__contains=word.casefold()) | Q(username_key__contains=username_key(word))
    match |= Q(first_name__icontains=word) | Q(last_name__icontains=word)
    if (user_id := parse_id(word)) is not None:
        match |= Q(id=user_id)
    if (key := email_key_or_none(word)) is not None:
        match |= Q(email_key=key)
    return match


def _order(ordering: str) -> OrderBy:
    """Who has no value stands last either way, in every database."""
    column = F(ORDERINGS[ordering.removeprefix("-")])
    return column.desc(nulls_last=True) if ordering.startswith("-") else column.asc(nulls_last=True)
