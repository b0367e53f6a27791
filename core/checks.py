"""Deployment checks of `manage.py check --deploy`: secrets, hosts, origins, TLS, proxies and mail."""

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
_GENERATE_SECRET = "Generate one with: openssl rand -base64 48"
_LOCAL_BACKENDS = ("console", "filebased", "locmem", "dummy", "mailbox")

CheckMessages = Iterator[CheckMessage]


def deployment_check(check: Callable[[], CheckMessages]) -> Callable[[], CheckMessages]:
    """Register a check that runs only without DEBUG."""

    def run(**_options: Any) -> list[CheckMessage]:
        return [] if settings.DEBUG else list(check())

    checks.register(run, Tags.security, deploy=True)
    return check


@deployment_check
def check_secrets_are_strong() -> CheckMessages:
    secrets = [(name, getattr(settings, name)) for name in _SECRETS]
    for name, secret in [*secrets, *(("MFA_ENCRYPTION_KEYS", key) for key in settings.MFA_ENCRYPTION_KEYS)]:
        problem = secret_weakness(secret)
        if problem:
            yield checks.Error(
                f"{name} {problem.partition(':')[0].partition(';')[0]}.", hint=_GENERATE_SECRET, id="vestibule.E001"
            )


@deployment_check
def check_secrets_differ() -> CheckMessages:
    """Check for shared keys. JWT_REFRESH_SECRET defaults to JWT_SECRET_KEY, and SECRET_KEY encrypts by default."""
    for name in _SECRETS[1:]:
        if getattr(settings, name) == settings.SECRET_KEY:
            message = f"{name} is the same as SECRET_KEY: the leak of one key reveals the other."
            yield checks.Error(message, hint=_GENERATE_SECRET, id="vestibule.E002")
    for name in _SECRETS[1:]:
        if getattr(settings, name) in settings.MFA_ENCRYPTION_KEYS:
            message = f"{name} is also one of MFA_ENCRYPTION_KEYS: the leak of one key reveals the other."
            yield checks.Error(message, hint=_GENERATE_SECRET, id="vestibule.E002")


@deployment_check
def check_hosts() -> CheckMessages:
    if any(host in {"*", "."} for host in settings.ALLOWED_HOSTS):
        message = "ALLOWED_HOSTS has a wildcard: any Host header is accepted."
        yield checks.Error(message, hint="Name the hosts: ALLOWED_HOSTS=auth.example.com", id="vestibule.E003")


@deployment_check
def check_origins() -> CheckMessages:
    """Check all settings by which django-cors-headers allows any origin."""
    patterns = getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", ())
    allows_any = "*" in settings.CORS_ALLOWED_ORIGINS or any(
        pattern in {".*", "^.*$", r"^https?://.*$"} for pattern in patterns
    )
    if settings.CORS_ALLOW_CREDENTIALS and (allows_any or getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False)):
        message = "Any website may call the API with the cookies of its visitors."
        hint = "Name the sites: CORS_ALLOWED_ORIGINS=https://app.example.com"
        yield checks.Error(message, hint=hint, id="vestibule.E004")


@checks.register(Tags.security, deploy=True)
def check_debug(**_options: Any) -> list[CheckMessage]:
    public = [host for host in settings.ALLOWED_HOSTS if host not in _LOCAL_HOSTS]
    if not settings.DEBUG or not public:
        return []
    message = f"DEBUG is on, and the service accepts {', '.join(public)}: errors show source code, and cookies go without TLS."
    return [checks.Error(message, hint="Set DEBUG=off.", id="vestibule.E005")]


@deployment_check
def check_mail_is_delivered() -> CheckMessages:
    if any(name in settings.EMAIL_BACKEND for name in _LOCAL_BACKENDS):
        message = "No email leaves this machine: users never receive their codes and links."
        hint = "Point EMAIL_URL at a mail server (smtp+tls://user:password@host:587) or at a provider."
        yield checks.Warning(message, hint=hint, id="vestibule.W005")


@deployment_check
def check_mail_is_encrypted() -> CheckMessages:
    if settings.EMAIL_HOST_USER and not settings.EMAIL_USE_TLS and not settings.EMAIL_USE_SSL:
        message = "EMAIL_URL sends a password, and every code and link, unencrypted."
        yield checks.Warning(message, hint="Write smtp+tls:// or smtp+ssl://.", id="vestibule.W006")


@deployment_check
def check_links_use_tls() -> CheckMessages:
    for name in ("FRONTEND_URL", "PUBLIC_URL"):
        if not getattr(settings, name).startswith("https://"):
            message = f"{name} is not https: the links in emails carry their tokens unencrypted."
            yield checks.Warning(message, hint=f"Set {name} to an https:// URL.", id="vestibule.W007")


@deployment_check
def check_proxies() -> CheckMessages:
    if not settings.TRUSTED_PROXIES:
        message = "TRUSTED_PROXIES is empty: behind a proxy all clients share one IP and its rate limits."
        hint = "Name the proxy that ends TLS in front of this service: TRUSTED_PROXIES=10.0.0.0/8"
        yield checks.Warning(message, hint=hint, id="vestibule.W008")


@deployment_check
def check_former_names() -> CheckMessages:
    for former, name in former_names.contradictions(os.environ):
        message = f"{former} has no effect: {name} is set to another value, which takes precedence."
        yield checks.Warning(message, hint=f"Remove {former}.", id="vestibule.W021")


@deployment_check
def check_env_file_names() -> CheckMessages:
    """Warn about unknown names, since a misspelled variable leaves its setting at the default."""
    for name, assignment in sources.load_file().items():
        if not variables.is_known(name):
            similar = variables.similar_to(name)
            message = f"Line {assignment.line} of the .env file sets {name}, which the service does not read."
            hint = f"Did you mean {similar}?" if similar else "Remove it, unless another program reads it."
            yield checks.Warning(message, hint=hint, id="vestibule.W022")
