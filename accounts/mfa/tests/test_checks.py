"""`manage.py check --deploy` reports a delay of the recovery that is too short to stop it."""

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from core.testing import valid_settings


def _ids(settings: Settings, delay: timedelta | None) -> list[str]:
    valid_settings.configure(settings, RECOVERY_DELAY=delay)
    messages = run_checks(include_deployment_checks=True)
    return [str(message.id) for message in messages if str(message.id).startswith("vestibule.")]


@pytest.mark.parametrize("delay", [timedelta(0), timedelta(minutes=59)])
def test_a_delay_below_an_hour_is_reported(settings: Settings, delay: timedelta) -> None:
    assert _ids(settings, delay) == ["vestibule.W013"]


@pytest.mark.parametrize("delay", [timedelta(hours=1), timedelta(hours=24), None])
def test_a_longer_delay_and_no_recovery_are_no_problem(settings: Settings, delay: timedelta | None) -> None:
    assert _ids(settings, delay) == []
