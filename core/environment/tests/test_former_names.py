"""Variable names of earlier projects work, the current names take precedence, and contradictions are reported."""

from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from core.environment import former_names, sources
from core.environment.dotenv import Assignment
from core.environment.env import BadVariable
from core.paths import BASE_DIR
from core.testing import valid_settings
from core.testing.fresh_settings import PRODUCTION, load

STRONG = "w7Yb2QpZr9Xk4TnJ6sVd1LmGf8HcAeUiOoRtEyWq"
RESEND = {"EMAIL_URL": "resend://"}
NO_REDIS = {"REDIS_URL": None}


@pytest.mark.parametrize(
    ("variables", "setting", "value"),
    [
        ({"JWT_SECRET_KEY": None, "JWT_SECRET": STRONG}, "JWT_SECRET_KEY", STRONG),
        ({"JWT_EXPIRES_IN": "1h"}, "JWT_ACCESS_EXPIRY.total_seconds", 3600),
        ({**RESEND, "RESEND_KEY": "re_123"}, "ANYMAIL.RESEND_API_KEY", "re_123"),
        ({**NO_REDIS, "REDIS_HOST": "redis.internal"}, "REDIS_URL", "redis://redis.internal:6379/0"),
        ({**NO_REDIS, "REDIS_SOCKET": "localhost", "REDIS_PORT": "6380"}, "REDIS_URL", "redis://localhost:6380/0"),
        ({**NO_REDIS, "REDIS_SOCKET": "/run/redis.sock"}, "REDIS_URL", "unix:///run/redis.sock?db=0"),
        ({**NO_REDIS, "REDIS_HOST": "redis\r", "REDIS_USERNAME": "app"}, "REDIS_URL", "redis://app@redis:6379/0"),
        (
            {**NO_REDIS, "REDIS_HOST": "::1", "REDIS_USERNAME": "default", "REDIS_PASSWORD": "p@:/ß"},
            "REDIS_URL",
            "redis://default:p%40%3A%2F%C3%9F@[::1]:6379/0",
        ),
    ],
)
def test_a_former_name_works_like_the_current_name(
    variables: dict[str, str | None], setting: str, value: object
) -> None:
    name, _, key = setting.partition(".")

    result: Any = getattr(load({**PRODUCTION, **variables}), name)

    if key:
        result = getattr(result, key)() if hasattr(result, key) else result[key]
    assert result == value


def test_the_current_name_takes_precedence_over_the_former_one() -> None:
    settings = load(
        {**PRODUCTION, "JWT_SECRET": STRONG, "JWT_EXPIRES_IN": "1h", "JWT_ACCESS_EXPIRY": "5m", "REDIS_HOST": "other"}
    )

    assert PRODUCTION["JWT_SECRET_KEY"] == settings.JWT_SECRET_KEY
    assert settings.JWT_ACCESS_EXPIRY.total_seconds() == 300
    assert PRODUCTION["REDIS_URL"] == settings.REDIS_URL


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"JWT_EXPIRES_IN": "3600"}, "JWT_EXPIRES_IN"),
        ({"JWT_SECRET_KEY": None, "JWT_SECRET": "your_jwt_secret_key"}, "JWT_SECRET"),
        ({"JWT_SECRET_KEY": None, "JWT_SECRET": "  # required"}, "JWT_SECRET"),
        ({**RESEND, "RESEND_KEY": "re_your_resend_api_key"}, "RESEND_KEY"),
        ({**NO_REDIS, "REDIS_HOST": "redis", "REDIS_PORT": "tcp://10.0.0.1:6379"}, "REDIS_PORT"),
        ({**NO_REDIS, "REDIS_HOST": "redis", "REDIS_PORT": "65536"}, "REDIS_PORT"),
        ({**NO_REDIS, "REDIS_HOST": "redis", "REDIS_PORT": "\u0666\u0663\u0667\u0669"}, "REDIS_PORT"),
        ({**NO_REDIS, "REDIS_HOST": "redis", "REDIS_PASSWORD": " hunter2"}, "REDIS_PASSWORD"),
        ({**NO_REDIS, "REDIS_HOST": "redis", "REDIS_PASSWORD": "#hunter2"}, "REDIS_PASSWORD"),
        ({**NO_REDIS, "REDIS_HOST": "redis", "REDIS_PASSWORD": "hunter2  # of this node"}, "REDIS_PASSWORD"),
        ({**NO_REDIS, "REDIS_HOST": "redis", "REDIS_USERNAME": "  # default"}, "REDIS_USERNAME"),
        ({**NO_REDIS, "REDIS_HOST": "redis://redis"}, "REDIS_HOST"),
        ({**NO_REDIS, "REDIS_SOCKET": "redis:6379"}, "REDIS_SOCKET"),
        ({**NO_REDIS, "REDIS_HOST": "redis", "REDIS_PASSWORD_FILE": "/missing"}, "REDIS_PASSWORD_FILE"),
    ],
)
def test_an_error_shows_the_former_name_that_was_written(variables: dict[str, str | None], name: str) -> None:
    with pytest.raises(BadVariable, match=rf"^{name} "):
        load({**PRODUCTION, **variables})


def test_the_variables_of_a_kubernetes_service_named_redis_are_ignored() -> None:
    injected = {"REDIS_PORT": "tcp://10.0.0.1:6379", "REDIS_SERVICE_HOST": "10.0.0.1"}

    assert PRODUCTION["REDIS_URL"] == load({**PRODUCTION, **injected}).REDIS_URL
    with pytest.raises(BadVariable, match="^REDIS_URL is not set"):
        load({**PRODUCTION, **injected, "REDIS_URL": None})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"JWT_SECRET": "a", "JWT_SECRET_KEY": "b"}, [("JWT_SECRET", "JWT_SECRET_KEY")]),
        ({"JWT_SECRET": "a", "JWT_SECRET_KEY": "a"}, []),
        ({"RESEND_KEY": "a", "RESEND_API_KEY_FILE": "/missing"}, [("RESEND_KEY", "RESEND_API_KEY")]),
        ({"REDIS_SOCKET": "a", "REDIS_URL": "redis://b"}, [("REDIS_SOCKET", "REDIS_URL")]),
        ({"REDIS_HOST": "a", "REDIS_URL": "redis://a:6379/0"}, []),
        ({"REDIS_PORT": "tcp://a", "REDIS_URL": "redis://b"}, []),
    ],
)
def test_contradicting_names_are_reported(environment: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert former_names.contradictions(environment) == expected


def test_the_deployment_check_reports_contradictions_and_misspelled_names(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    valid_settings.configure(settings)
    monkeypatch.setenv("JWT_SECRET", "hunter2")
    monkeypatch.setenv("JWT_SECRET_KEY", "hunter3")
    file = {
        "JWT_ACESS_EXPIRY": Assignment(7, "hunter2"),
        "JWT_ISSUER": Assignment(8, "x"),
        "AUTH_HOST": Assignment(9, "x"),
    }
    monkeypatch.setattr(sources, "load_file", lambda: file)

    result = [message for message in run_checks(include_deployment_checks=True) if str(message.id) > "vestibule.W02"]

    assert sorted((str(message.id), message.msg.partition(",")[0], message.hint) for message in result) == [
        ("vestibule.W021", "JWT_SECRET has no effect: JWT_SECRET_KEY is set to another value", "Remove JWT_SECRET."),
        ("vestibule.W022", "Line 7 of the .env file sets JWT_ACESS_EXPIRY", "Did you mean JWT_ACCESS_EXPIRY?"),
        ("vestibule.W022", "Line 9 of the .env file sets AUTH_HOST", "Remove it, unless another program reads it."),
    ]
    assert "hunter" not in str(result)


def test_every_former_name_is_documented() -> None:
    page = (BASE_DIR / "docs" / "operations.md").read_text()
    table = page.partition("## Names from earlier projects")[2].partition("\n## ")[0]

    assert {name for name in [*former_names.NAMES, *former_names.REDIS_PARTS] if f"`{name}`" not in table} == set()
