"""What ends sessions without the API being asked: deeds in Django's admin, in a shell, and by a command."""

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

Deed = Callable[[Scenario], None]


def post_in_the_admin(scenario: Scenario, path: str, **fields: str) -> Any:
    """A new superuser sends a form of Django's admin; `{user}` in it is the user's id."""
    grace = User.objects.create_superuser(f"g{new_id().hex[-20:]}", password=NEW)
    browser = Client()
    browser.force_login(grace)
    form = model_to_dict(scenario.user, ("username", "email", "language", "role")) | fields
    filled = {name: str(value).format(user=scenario.user.id) for name, value in form.items()}
    return browser.post(f"/admin/accounts/user/{path.format(user=scenario.user.id)}", filled)


def in_the_admin(path: str, **fields: str) -> Deed:
    def send(scenario: Scenario) -> None:
        reply = post_in_the_admin(scenario, path, **fields)
        assert reply.status_code == 302, reply.content

    return send


def _in_a_shell(scenario: Scenario) -> None:
    user = User.objects.get(id=scenario.user.id)
    user.set_password(NEW)
    user.save()


def _disabled_in_a_shell(scenario: Scenario) -> None:
    user = User.objects.get(id=scenario.user.id)
    user.set_password(None)
    user.save()


def _by_a_command(scenario: Scenario) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(getpass, "getpass", lambda *_arguments, **_options: NEW)
        call_command("changepassword", scenario.user.username)


DEEDS: Mapping[str, Deed] = {
    "set_password in a shell": _in_a_shell,
    "set_password without one in a shell": _disabled_in_a_shell,
    "the command changepassword": _by_a_command,
    "the admin deactivates": in_the_admin("{user}/change/"),  # a box that is not ticked is not sent
    "the admin sets a password": in_the_admin("{user}/password/", usable_password="true", password1=NEW, password2=NEW),
    "the admin deletes": in_the_admin("{user}/delete/", post="yes"),
}

take_the_password_away = in_the_admin("{user}/password/", **{"usable_password": "false", "unset-password": "yes"})
