"""Every request of the admin that could do harm needs a recent proof: the walk visits each registered view and action."""

import inspect
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import URLResolver
from time_machine import Traveller

from accounts.mail import outbox
from accounts.models import User
from accounts.passkeys.testing.stored import store_passkey
from accounts.services import service_clients
from accounts.testing.admin_browser import admin_browser, is_asked, let_proof_expire
from accounts.testing.api_client import SignedIn

# The requests that need no proof: they reveal nothing, and change no credentials, privileges or access.
EXEMPT = {
    "login", "logout", "password_change",  # the last requires the current password, see test_recent_proof
    "user.action.resend", "user.page.resend", "user.action.send-reset", "user.page.send-reset",
    "outboxemail.action.send_again",
    "user.field.first_name", "user.field.last_name", "user.field.username", "user.field.language",
    "user.field.deactivation_reason", "user.field.version",
    "user.field.password",  # Django's form ignores it: the password has a page of its own
}  # fmt: skip
# With a recent proof, at least these requests of the walk have an effect.
EFFECTIVE = {
    "user.action.revoke-sessions", "user.page.verify", "user.action.deactivate", "user.page.deactivate",
    "user.delete_view", "user.field.email", "user.field.role", "user.field.is_staff", "user.field.is_superuser",
    "user.field.is_active", "user.field.groups", "user.field.user_permissions", "user.field.email_verified_at",
    "session.page.revoke", "session.action.revoke", "passkey.page.remove", "group.delete_view", "serviceclient.delete_view",
}  # fmt: skip
# A value other than that of bob, for each field of the form. None leaves the field out.
CHANGED: dict[str, Any] = {
    "email": "new@example.com", "first_name": "New", "last_name": "New", "username": "new", "language": "fr",
    "is_active": None, "deactivation_reason": "New", "role": "ADMIN", "is_staff": "on", "is_superuser": "on",
    "groups": ["1"], "user_permissions": ["1"], "email_verified_at": ["2026-01-01", "12:00:00"], "version": "", "password": "x",
}  # fmt: skip


@dataclass
class Visit:
    name: str
    path: str
    data: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def rows(alice: User, bob: User, sign_in: Callable[..., SignedIn]) -> dict[type[Model], Any]:
    """The row of each model to visit, other than its first."""
    sign_in(alice)
    outbox.welcome(alice)
    alice.emails.update(state="failed")
    service_clients.create(name="billing")
    Group.objects.create(id=1, name="clerks")
    store_passkey(alice)
    return {User: bob}


@pytest.fixture
def visits(rows: dict[type[Model], Any], superuser: User) -> list[Visit]:
    request = RequestFactory().get("/admin/")
    request.user = superuser
    return [visit for path, view in _views() for visit in _visits(path, view, rows, request)]


def _views(patterns: Any = None, prefix: str = "/admin/") -> Iterator[tuple[str, Any]]:
    for pattern in admin.site.urls[0] if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, path)
        else:
            yield path, inspect.unwrap(pattern.callback, stop=lambda view: hasattr(view, "__self__"))


def _visits(path: str, view: Any, rows: dict[type[Model], Any], request: Any) -> Iterator[Visit]:
    owner = getattr(view, "__self__", None)
    if not isinstance(owner, ModelAdmin):
        page = re.sub(r"\^\(\?P<app_label>[a-z_|]+\)/\$", "auth/", path.replace("(?P<url>.*)$", "x"))
        yield Visit(view.__name__, page.replace("<path:content_type_id>/<path:object_id>", "1/1"))
        return
    row = rows.get(owner.model) or owner.model._default_manager.first()
    model = str(owner.opts.model_name)
    path = path.replace("<path:object_id>", str(row.pk)).replace("<uuid:object_id>", str(row.pk))
    path = path.replace("<id>", str(row.pk))
    confirmed = {"confirm": "yes", "reason": "x"}
    if view.__name__ not in getattr(owner, "self_guarded_views", ()):
        yield Visit(f"{model}.{view.__name__}", path, {"post": "yes"})
    elif view.__name__ == "changelist_view":
        for name in owner.get_actions(request):
            yield Visit(f"{model}.action.{name}", path, confirmed | {"action": name, "_selected_action": [str(row.pk)]})
    elif view.__name__ == "action_view":
        for action in owner.confirmed_actions:  # type: ignore[attr-defined]
            yield Visit(f"{model}.page.{action.name}", path.replace("<slug:name>", action.name), confirmed)
    else:
        assert (model, view.__name__) == ("user", "change_view"), "This view guards itself: add its requests."
        form = owner.get_form(request, row, change=True)(instance=row)
        yield from (Visit(f"user.field.{name}", path, _form_data(form, name)) for name in form.fields)


def _form_data(form: Any, changed: str) -> dict[str, Any]:
    """Return the POST data of the page of a user with one changed field."""
    data: dict[str, Any] = {}
    for name, form_field in form.fields.items():
        value = CHANGED[name] if name == changed else form[name].value()
        if isinstance(form_field.widget, forms.MultiWidget):
            parts: list[Any] = value if name == changed else form_field.widget.decompress(value) or []
            data |= {f"{name}_{index}": part for index, part in enumerate(parts)}
        else:
            data[name] = value
    return {name: value for name, value in data.items() if value not in (None, False)}


def _state() -> dict[str, list[Any]]:
    """Return all rows of the project."""
    models = [model for model in apps.get_models() if model._meta.app_label != "sessions"]
    return {model._meta.label: list(model._default_manager.order_by("pk").values_list()) for model in models} | {
        "members": list(User.groups.through.objects.values_list()),
        "permissions": list(User.user_permissions.through.objects.values_list()),
    }


@dataclass
class Outcome:
    asked: set[str] = field(default_factory=set)
    effective: set[str] = field(default_factory=set)


def _send_all(browser: Client, visits: list[Visit]) -> Outcome:
    """Send each request to the same state of the database."""
    outcome, before, cookies = Outcome(), _state(), deepcopy(browser.cookies)
    for visit in visits:
        browser.cookies = deepcopy(cookies)  # the walk visits the logout, too
        savepoint = transaction.savepoint()
        if is_asked(browser.post(visit.path, visit.data)):
            outcome.asked.add(visit.name)
        if _state() != before:
            outcome.effective.add(visit.name)
        transaction.savepoint_rollback(savepoint)
    return outcome


def test_every_request_asks_for_a_recent_proof_unless_it_is_listed_as_harmless(
    superuser: User, visits: list[Visit], clock: Traveller
) -> None:
    browser = admin_browser(superuser)
    let_proof_expire(clock)

    outcome = _send_all(browser, visits)

    assert {visit.name for visit in visits} - outcome.asked == EXEMPT
    assert not outcome.asked & outcome.effective


def test_no_request_asks_soon_after_the_login(superuser: User, visits: list[Visit], clock: Traveller) -> None:
    browser = admin_browser(superuser)

    outcome = _send_all(browser, visits)

    assert outcome.asked == set()
    assert outcome.effective >= EFFECTIVE


def test_opening_a_page_changes_nothing_and_asks_only_for_forms_with_a_password(
    superuser: User, visits: list[Visit], clock: Traveller
) -> None:
    browser, before = admin_browser(superuser), _state()
    let_proof_expire(clock)

    asked = {visit.name for visit in visits if is_asked(browser.get(visit.path))}

    assert asked == {"user.add_view", "user.user_change_password"}
    assert _state() == before
