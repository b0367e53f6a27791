"""Hosts, origins, proxies, cookies of the admin, and HSTS. `core.http.security_headers` has the other headers."""

from datetime import timedelta
from urllib.parse import urlsplit

from config.settings.debug import DEBUG
from core.environment import env

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],.localhost" if DEBUG else None)
if not DEBUG and not {"*", "."}.isdisjoint(ALLOWED_HOSTS):
    raise env.BadVariable(
        "ALLOWED_HOSTS", "must name the hosts of this service, such as auth.example.com; it has a wildcard"
    )
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = (
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "x-token-transport",
    # The browser SDKs of OpenTelemetry and Sentry add these to each request (W3C Trace Context, W3C Baggage).
    "baggage",
    "sentry-trace",
    "traceparent",
    "tracestate",
    *env.header_names("CORS_ALLOWED_HEADERS"),
)
CORS_EXPOSE_HEADERS = (
    "retry-after",
    "www-authenticate",
    "x-request-id",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
)
CORS_URLS_REGEX = r"^/api/"
CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS

# X-Forwarded-For and -Proto count only where the peer is one of these; see config.wsgi.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

SECURE_HSTS_SECONDS = 0 if DEBUG else env.integer("HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
# The target of /.well-known/change-password, which password managers open.
CHANGE_PASSWORD_URL = env.redirect_target("CHANGE_PASSWORD_URL", "/account/password")
_target = urlsplit(CHANGE_PASSWORD_URL)
if _target.path.rstrip("/") == "/.well-known/change-password" and _target.hostname in {None, *ALLOWED_HOSTS}:
    raise env.BadVariable(
        "CHANGE_PASSWORD_URL", "must lead elsewhere: browsers would be redirected to the same path for ever"
    )
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "vestibule_admin"
ADMIN_SESSION_MAX_AGE = env.duration("ADMIN_SESSION_MAX_AGE", "12h")
ADMIN_SESSION_IDLE = env.duration("ADMIN_SESSION_IDLE", "1h")
for _name, _length in (("ADMIN_SESSION_MAX_AGE", ADMIN_SESSION_MAX_AGE), ("ADMIN_SESSION_IDLE", ADMIN_SESSION_IDLE)):
    if _length < timedelta(minutes=1):
        raise env.BadVariable(_name, "must be a minute or more: a shorter session would end during work")
if ADMIN_SESSION_IDLE > ADMIN_SESSION_MAX_AGE and env.is_set("ADMIN_SESSION_IDLE"):
    raise env.BadVariable(
        "ADMIN_SESSION_IDLE", "must not be longer than ADMIN_SESSION_MAX_AGE, at which the session ends"
    )
SESSION_COOKIE_AGE = int(ADMIN_SESSION_MAX_AGE.total_seconds())
LOGIN_REDIRECT_URL = "/admin/"  # only the admin has a login page, and a `next` of another site leads there
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
