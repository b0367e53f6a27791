"""Search of users for administrators: filtered, ordered, by page."""

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from accounts.identity import email_key_or_none, username_key
from accounts.models import User
from accounts.services.pagination import Page
from core.ids import parse_id

ORDERINGS = {"createdAt": "created_at", "username": "username_key", "email": "email_key", "lastLoginAt": "last_login"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A user matches if every word of `text` does. `ordering` is one of ORDERINGS, descending with a leading `-`."""

    text: str = ""
    role: str | None = None
    email_verified: bool | None = None
    is_active: bool | None = None
    ordering: str = "-createdAt"


def find(search: Search, *, page: int, page_size: int) -> Page[User]:
    """Return a page of the matching users: two queries."""
    users = _filtered(search)
    start = (page - 1) * page_size
    rows = users.order_by(_order(search.ordering), "id")[start : start + page_size]
    return Page(rows=list(rows), count=users.count(), number=page, size=page_size)


def _filtered(search: Search) -> QuerySet[User]:
    users = User.objects.all()
    for word in search.text.split():
        users = users.filter(_matches(word))
    if search.role is not None:
        users = users.filter(role=search.role)
    if search.email_verified is not None:
        users = users.filter(email_verified_at__isnull=not search.email_verified)
    if search.is_active is not None:
        users = users.filter(is_active=search.is_active)
    return users


def _matches(word: str) -> Q:
    """Compare email and username by their unique keys, so that case and Unicode forms do not matter."""
    match = Q(email_key__contains=word.casefold()) | Q(username_key__contains=username_key(word))
    match |= Q(first_name__icontains=word) | Q(last_name__icontains=word)
    if (user_id := parse_id(word)) is not None:
        match |= Q(id=user_id)
    if (key := email_key_or_none(word)) is not None:
        match |= Q(email_key=key)
    return match


def _order(ordering: str) -> OrderBy:
    """Sort users without a value last, whatever the direction and the database."""
    column = F(ORDERINGS[ordering.removeprefix("-")])
    return column.desc(nulls_last=True) if ordering.startswith("-") else column.asc(nulls_last=True)
