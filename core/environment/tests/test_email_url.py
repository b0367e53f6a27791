"""EMAIL_URL: each form selects its backend, and a bad one is refused without showing the password in it."""

import pytest
from django.utils.module_loading import import_string

from core.environment.email_url import email_settings
from core.environment.env import BadVariable

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize(
    ("url", "port", "security"),
    [
        ("smtp://mail.example", 25, {}),
        ("smtp://mail.example:2525", 2525, {}),
        ("smtp+tls://mail.example", 587, {"EMAIL_USE_TLS": True}),
        ("smtp+ssl://mail.example", 465, {"EMAIL_USE_SSL": True}),
    ],
)
def test_each_smtp_scheme_has_its_default_port_and_encryption(url: str, port: int, security: dict[str, bool]) -> None:
    result = email_settings(url, debug=False)

    assert (result["EMAIL_BACKEND"], result["EMAIL_HOST"], result["EMAIL_PORT"]) == (SMTP, "mail.example", port)
    assert {name: value for name, value in result.items() if name.startswith("EMAIL_USE")} == security


def test_user_and_password_are_percent_decoded() -> None:
    result = email_settings("smtp://me%40mail.example:p%3Aa%2Fs%25s@mail.example:25", debug=False)

    assert (result["EMAIL_HOST_USER"], result["EMAIL_HOST_PASSWORD"]) == ("me@mail.example", "p:a/s%s")


def test_console_and_file_send_no_email() -> None:
    assert email_settings("console://", debug=False)["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert email_settings("file:///tmp/my%20mails", debug=False)["EMAIL_FILE_PATH"] == "/tmp/my mails"  # noqa: S108 - only a name


@pytest.mark.parametrize("scheme", ["resend", "sendgrid", "postmark", "brevo", "mandrill", "sparkpost", "mailersend"])
def test_a_provider_needs_its_key_and_has_a_backend(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with pytest.raises(BadVariable, match=rf"^{scheme.upper()}_\w+ is not set") as missing:
        email_settings(f"{scheme}://", debug=False)
    name = str(missing.value).split()[0]
    monkeypatch.setenv(name, "key-of-the-provider")

    result = email_settings(f"{scheme}://", debug=False)

    assert result["ANYMAIL"][name] == "key-of-the-provider"
    assert import_string(result["EMAIL_BACKEND"])


def test_the_development_mailbox_is_refused_in_production() -> None:
    assert email_settings("mailbox://", debug=True)["EMAIL_BACKEND"] == "core.dev.mailbox.backend.EmailBackend"
    with pytest.raises(BadVariable, match=r"^EMAIL_URL must be"):
        email_settings("mailbox://", debug=False)


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "http://me:hunter2@mail.example", "smtp://", "smtp://me:hunter2@", "smtp://me:hunter2@mail.example:port",
     "smtp://me:hunter2@mail.example:99999", "smtp://me:hunter2@[::1", "smtp://me:hun/ter2@mail.example", "file://",
     "file:///tmp/a#b", "file:///tmp/a?b",
     "smtp://me:hunter2@mail.example?x", "smtp://mail.example/#hunter2", "smpt://mail.example"],
)  # fmt: skip
def test_an_invalid_url_is_refused_without_quoting_its_password(url: str) -> None:
    with pytest.raises(BadVariable, match=r"^EMAIL_URL ") as caught:
        email_settings(url, debug=False)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
