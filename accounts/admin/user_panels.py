"""The tables on the page of a user. A capability registers its own, which come before the recent sessions and events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html

from accounts.models import User
from core.registry import Registry

_LINK = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPanel:
    """A table for those who have the permission.

    `build` returns what `admin/panels.html` takes, or None if there is nothing to show.
    """

    name: str
    permission: str
    build: Callable[[User], dict[str, Any] | None]


USER_PANELS: Registry[UserPanel] = Registry("user panel")


def link(url: str, text: object) -> Any:
    return format_html(_LINK, url, text)


def row_link(row: Model, text: object) -> Any:
    """Return a link to the row's page."""
    return link(_url(type(row), "change", row.pk), text)


def format_time(timestamp: datetime) -> str:
    return formats.date_format(timezone.localtime(timestamp), "SHORT_DATETIME_FORMAT")


def panel(model: type[Model], title: Any, headers: list[Any], rows: list[list[Any]], user: User) -> dict[str, Any]:
    """Return a panel with a link to the list of all rows of the user."""
    url = f"{_url(model, 'changelist')}?q={user.pk}"
    return {"title": title, "all_url": url, "table": {"headers": headers, "rows": rows}}


def _url(model: type[Model], view: str, *arguments: Any) -> str:
    meta = model._meta  # noqa: SLF001 - documented by Django
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{view}", args=arguments)
