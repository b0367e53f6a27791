"""What `manage.py check --deploy` says of the deployment: secrets, hosts, origins, TLS, proxies and mail."""

import os
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags

from core.environment import former_names, sources, variables
from core.environment.secret_strength import secret_weakness

_SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "JWT_REFRESH_SECRET")
_LOCAL_HOSTS = frozenset({"localhost", ".localhost", "127.0.0.1", "[::1]", "testserver"})
_MAKE_ONE = "Make one with: openssl rand -base64 48"
_NO_DELIVERY = ("console", "filebased", "locmem", "dummy", "mailbox")

Found = Iterator[CheckMessage]


def deployment_check(check: Callable[[], Found]) -> Callable[[], Found]:
    """Registers a check of what is no fault on a developer's machine."""

    def run(**_options: Any) -> list[CheckMessage]:
        return [] if settings.DEBUG else list(check())

    checks.register(run, Tags.security, deploy=True)
    return check


@deployment_check
def check_secrets_are_strong() -> Found:
    secrets = [(name, getattr(settings, name)) for name in _SECRETS]
    for name, secret in [*secrets, *(("MFA_ENCRYPTION_KEYS", key) for key in settings.MFA_ENCRYPTION_KEYS)]:
        problem = secret_weakness(secret)
        if problem:
            yield checks.Error(
                f"{name} {problem.partition(':')[0].partition(';')[0]}.", hint=_MAKE_ONE, id="vestibule.E001"
            )


@deployment_check
def check_secrets_differ() -> Found:
    """JWT_REFRESH_SECRET is JWT_SECRET_KEY where it is not set, and SECRET_KEY encrypts where nothing else does."""
    for name in _SECRETS[1:]:
        if getattr(settings, name) == settings.SECRET_KEY:
            message = f"{name} is the same as SECRET_KEY: who learns one key has the other."
            yield checks.Error(message, hint=_MAKE_ONE, id="vestibule.E002")
    for name in _SECRETS[1:]:
        if getattr(settings, name) in settings.MFA_ENCRYPTION_KEYS:
            message = f"{name} is one of MFA_ENCRYPTION_KEYS too: who learns one key has the other."
            yield checks.Error(message, hint=_MAKE_ONE, id="vestibule.E002")


@deployment_check
def check_hosts() -> Found:
    if any(host in {"*", "."} for host in settings.ALLOWED_HOSTS):
        message = "ALLOWED_HOSTS has a wildcard: any name in a Host header passes for this service's own."
        yield checks.Error(message, hint="Name the hosts: ALLOWED_HOSTS=auth.example.com", id="vestibule.E003")


@deployment_check
def check_origins() -> Found:
    """Every way that django-cors-headers has to say "anybody"."""
    patterns = getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", ())
    anybody = "*" in settings.CORS_ALLOWED_ORIGINS or any(
        pattern in {".*", "^.*$", r"^https?://.*$"} for pattern in patterns
    )
    if settings.CORS_ALLOW_CREDENTIALS and (anybody or getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False)):
        message = "Any website may call the API with the cookies of whoever visits it."
        hint = "Name the sites: CORS_ALLOWED_ORIGINS=https://app.example.com"
        yield checks.Error(message, hint=hint, id="vestibule.E004")


@checks.register(Tags.security, deploy=True)
def check_debug(**_options: Any) -> list[CheckMessage]:
    public = [host for host in settings.ALLOWED_HOSTS if host not in _LOCAL_HOSTS]
    if not settings.DEBUG or not public:
        return []
    message = f"DEBUG is on, and the service answers to {', '.join(public)}: faults show the code, and cookies go without TLS."
    return [checks.Error(message, hint="Set DEBUG=off.", id="vestibule.E005")]


@deployment_check
def check_mail_leaves() -> Found:
    if any(name in settings.EMAIL_BACKEND for name in _NO_DELIVERY):
        message = "No email leaves this machine: codes and links are written where their users do not read."
        hint = "Point EMAIL_URL at a mail server (smtp+tls://user:password@host:587) or at a provider."
        yield checks.Warning(message, hint=hint, id="vestibule.W005")


@deployment_check
def check_mail_is_encrypted() -> Found:
    if settings.EMAIL_HOST_USER and not settings.EMAIL_USE_TLS and not settings.EMAIL_USE_SSL:
        message = "EMAIL_URL sends a password, and every code and link, in clear."
        yield checks.Warning(message, hint="Write smtp+tls:// or smtp+ssl://.", id="vestibule.W006")


@deployment_check
def check_links_use_tls() -> Found:
    for name in ("FRONTEND_URL", "PUBLIC_URL"):
        if not getattr(settings, name).startswith("https://"):
            message = f"{name} is not https: the links in emails carry their tokens in clear."
            yield checks.Warning(message, hint=f"Set {name} to an https:// address.", id="vestibule.W007")


@deployment_check
def check_proxies() -> Found:
    if not settings.TRUSTED_PROXIES:
        message = "TRUSTED_PROXIES is empty: behind a proxy all clients have one address, and share its limits."
        hint = "Name the proxy that ends TLS in front of this service: TRUSTED_PROXIES=10.0.0.0/8"
        yield checks.Warning(message, hint=hint, id="vestibule.W008")


@deployment_check
def check_former_names() -> Found:
    for former, name in former_names.contradictions(os.environ):
        message = f"{former} has no effect: {name} is set to something else, and counts."
        yield checks.Warning(message, hint=f"Remove {former}.", id="vestibule.W021")


@deployment_check
def check_names_of_the_file() -> Found:
    """A misspelt variable leaves its setting at the default. Other programs may read theirs from the same file."""
    for name, assignment in sources.load_file().items():
        if not variables.is_known(name):
            similar = variables.similar_to(name)
            message = f"Line {assignment.line} of the .env file sets {name}, which nothing here reads."
            hint = f"Did you mean {similar}?" if similar else "Remove it, unless another program reads it."
            yield checks.Warning(message, hint=hint, id="vestibule.W022")
