"""Accepted settings have their effect: on an email, a link, a preflight, a cookie and a username."""

import smtplib
from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.mail.delivery import deliver_due
from accounts.models import EmailState, OutboxEmail, User
from accounts.testing import mail_server
from accounts.testing.api_client import PASSWORD, ApiClient
from core.environment.email_url import email_settings
from core.http.client_ip import client_ip
from core.testing.fresh_settings import PRODUCTION, load

BOB = {"email": "bob@example.com", "username": "bob", "password": PASSWORD}


def use(settings: Settings, name: str, **variables: str) -> None:
    """Set the setting to the value that a start with these variables gives it."""
    setattr(settings, name, getattr(load({**PRODUCTION, **variables}), name))


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("Acme, Inc. <a@example.com>", ("Acme, Inc.", "a@example.com")),
        ("Société (Auth) <a@münchen.example>", ("Société (Auth)", "a@xn--mnchen-3ya.example")),
        ("a@example.com", ("", "a@example.com")),
        ("日本: <a@example.com>", ("日本:", "a@example.com")),
    ],
)
def test_an_email_is_sent_by_smtp_with_the_configured_sender(
    db: None, api: ApiClient, settings: Settings, variable: str, expected: tuple[str, str]
) -> None:
    use(settings, "DEFAULT_FROM_EMAIL", DEFAULT_FROM_EMAIL=variable)
    with mail_server.listening() as server:
        for setting, value in email_settings(server.url, debug=False).items():
            setattr(settings, setting, value)
        assert api.post("/register", BOB).status_code == 201
        deliver_due()

    assert OutboxEmail.objects.get().state == EmailState.SENT
    message = server.accepted["bob@example.com"][0]
    assert [(sender.display_name, sender.addr_spec) for sender in message["From"].addresses] == [expected]
    assert message["Message-ID"].endswith(f"@{expected[1].partition('@')[2]}>")
    assert "=?" not in message["Message-ID"]


def test_a_password_outside_ascii_is_refused_because_smtp_cannot_send_it(settings: Settings) -> None:
    with mail_server.listening(auth_require_tls=False, auth_exclude_mechanism=[]) as server:
        host, _, port = server.url.removeprefix("smtp://").partition(":")
        with smtplib.SMTP(host, int(port)) as client, pytest.raises(UnicodeEncodeError):
            client.ehlo()
            client.login("mailer", "pässword")


@pytest.mark.parametrize("name", ['O\'Neil & "Sons" <#1>', "{{ x }} %s", "Société 日本"])
def test_any_product_name_is_escaped_correctly_in_emails(
    db: None, api: ApiClient, settings: Settings, outbox: Callable[[], list[EmailMessage]], name: str
) -> None:
    use(settings, "PRODUCT_NAME", PRODUCT_NAME=name)
    settings.EMAIL_VERIFICATION = "optional"
    User.objects.create_user("eve", "eve@example.com", PASSWORD)
    api.post("/forgot-password", {"email": "eve@example.com"})

    message = outbox()[-1]

    assert name in str(message.subject) + str(message.body)
    html = str(message.alternatives[0][0])  # type: ignore[attr-defined]
    assert "<#1>" not in html
    assert "\n" not in str(message.subject)


def test_a_link_keeps_the_path_of_the_frontend_url(
    api: ApiClient, settings: Settings, alice: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    use(settings, "FRONTEND_URL", FRONTEND_URL="https://App.example.com:443/sign-in/")
    api.post("/forgot-password", {"email": alice.email})

    assert "https://app.example.com/sign-in/reset-password?token=" in str(outbox()[-1].body)


@pytest.mark.parametrize(
    ("variable", "origin"),
    [("https://München.example/", "https://xn--mnchen-3ya.example"), ("https://app.example.com:443", "https://app.example.com"),
     ("HTTP://App.Example.com:80", "http://app.example.com"), ("http://[0::1]:3000", "http://[::1]:3000")],
)  # fmt: skip
def test_a_preflight_from_a_browser_passes_and_a_foreign_one_does_not(
    db: None, settings: Settings, variable: str, origin: str
) -> None:
    use(settings, "CORS_ALLOWED_ORIGINS", CORS_ALLOWED_ORIGINS=variable)

    def preflight(sender: str) -> str | None:
        headers = {"Origin": sender, "Access-Control-Request-Method": "POST"}
        return Client().options("/api/auth/login", headers=headers).headers.get("Access-Control-Allow-Origin")

    assert preflight(origin) == origin
    assert preflight("https://mallory.example") is None
    login = {"username": "unknown", "password": PASSWORD}
    assert ApiClient().post("/login", login, headers={"Origin": origin}).json()["code"] == "invalid_credentials"


@pytest.mark.parametrize(
    ("variable", "host"),
    [("Auth.Example.com.", "auth.example.com"), ("münchen.example", "xn--mnchen-3ya.example"), ("::1", "[::1]"),
     ("auth.example.com:8443", "auth.example.com:8443"), (".example.com", "a.b.example.com"), ("10.0.0.1", "10.0.0.1:80")],
)  # fmt: skip
def test_a_request_to_an_allowed_host_succeeds(db: None, settings: Settings, variable: str, host: str) -> None:
    use(settings, "ALLOWED_HOSTS", ALLOWED_HOSTS=variable)

    assert Client().get("/api/auth/me", headers={"Host": host}).status_code == 401
    assert Client().get("/api/auth/me", headers={"Host": "mallory.example"}).status_code == 400


def test_a_proxy_named_in_ipv6_form_is_trusted(settings: Settings) -> None:
    use(settings, "TRUSTED_PROXIES", TRUSTED_PROXIES="::ffff:10.0.0.0/104")

    for peer in ("10.1.2.3", "::ffff:10.1.2.3"):
        assert client_ip(peer, "203.0.113.7", settings.TRUSTED_PROXIES) == "203.0.113.7"
    assert client_ip("192.0.2.1", "203.0.113.7", settings.TRUSTED_PROXIES) == "192.0.2.1"


def test_reserved_usernames_are_case_insensitive(db: None, api: ApiClient, settings: Settings) -> None:
    use(settings, "RESERVED_USERNAMES", RESERVED_USERNAMES="Manager")

    for username in ("manager", "Manager", "MANAGER"):
        response = api.post("/register", BOB | {"username": username})
        assert (response.status_code, list(response.json()["errors"])) == (400, ["username"])
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("samesite", "debug", "secure"), [("none", True, True), ("lax", True, ""), ("none", False, True)]
)
def test_a_cookie_for_other_sites_is_secure_in_development_too(
    alice: User, settings: Settings, samesite: str, debug: bool, secure: object
) -> None:
    use(settings, "COOKIE_SAMESITE", COOKIE_SAMESITE=samesite)
    settings.DEBUG = debug

    cookies = ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).cookies

    assert {(cookie["samesite"], cookie["secure"]) for cookie in cookies.values()} == {(samesite.title(), secure)}


def test_a_metrics_token_opens_the_metrics(db: None, settings: Settings) -> None:
    token = "w7Yb2QpZr9Xk4TnJ6sVd1LmGf8HcAeUiOoRtEyWq+/="
    use(settings, "METRICS_TOKEN", METRICS_TOKEN=token)

    assert Client().get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert Client().get("/metrics", headers={"Authorization": f"Bearer {token[:-1]}"}).status_code == 401
