"""Changes outside the API that revoke sessions: in Django's admin, in a shell, and by a management command."""

import getpass
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.core.management import call_command
from django.forms.models import model_to_dict
from django.test import Client

from accounts.models import User
from core.ids import new_id
from tests.faults.revocation_paths import NEW, Scenario

Change = Callable[[Scenario], None]


def post_in_admin(scenario: Scenario, path: str, **fields: str) -> Any:
    """Post an admin form as a new superuser; `{user}` in path and fields stands for the user's id."""
    grace = User.objects.create_superuser(f"g{new_id().hex[-20:]}", password=NEW)
    browser = Client()
    browser.force_login(grace)
    form = model_to_dict(scenario.user, ("username", "email", "language", "role")) | fields
    filled = {name: str(value).format(user=scenario.user.id) for name, value in form.items()}
    return browser.post(f"/admin/accounts/user/{path.format(user=scenario.user.id)}", filled)


def in_admin(path: str, **fields: str) -> Change:
    def send(scenario: Scenario) -> None:
        response = post_in_admin(scenario, path, **fields)
        assert response.status_code == 302, response.content

    return send


def _set_password_in_shell(scenario: Scenario) -> None:
    user = User.objects.get(id=scenario.user.id)
    user.set_password(NEW)
    user.save()


def _remove_password_in_shell(scenario: Scenario) -> None:
    user = User.objects.get(id=scenario.user.id)
    user.set_password(None)
    user.save()


def _run_changepassword(scenario: Scenario) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(getpass, "getpass", lambda *_arguments, **_options: NEW)
        call_command("changepassword", scenario.user.username)


CHANGES: Mapping[str, Change] = {
    "set_password in a shell": _set_password_in_shell,
    "set_password without one in a shell": _remove_password_in_shell,
    "the command changepassword": _run_changepassword,
    "the admin deactivates": in_admin("{user}/change/"),  # an unchecked checkbox is not sent
    "the admin sets a password": in_admin("{user}/password/", usable_password="true", password1=NEW, password2=NEW),
    "the admin deletes": in_admin("{user}/delete/", post="yes"),
}

remove_password = in_admin("{user}/password/", **{"usable_password": "false", "unset-password": "yes"})
