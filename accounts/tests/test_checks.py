"""What `manage.py check --deploy` warns of."""

from django.core.checks import run_checks
from pytest_django import Settings


def _ids() -> set[str | None]:
    return {message.id for message in run_checks(include_deployment_checks=True)}


def test_it_warns_while_register_tells_who_has_an_account(settings: Settings) -> None:
    assert "accounts.W001" in _ids()

    settings.PREVENT_ENUMERATION = True
    assert "accounts.W001" not in _ids()
