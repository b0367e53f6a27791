"""The settings of every deployment: one file per topic, read from the environment through `core.environment.env`."""

from importlib.util import find_spec

from config.settings.admin import *  # noqa: F403
from config.settings.auth import *  # noqa: F403
from config.settings.celery import *  # noqa: F403
from config.settings.database import *  # noqa: F403
from config.settings.debug import DEBUG as DEBUG
from config.settings.email import *  # noqa: F403
from config.settings.limits import *  # noqa: F403
from config.settings.logging import *  # noqa: F403
from config.settings.login_codes import *  # noqa: F403
from config.settings.mfa import *  # noqa: F403
from config.settings.observability import *  # noqa: F403
from config.settings.passkeys import *  # noqa: F403
from config.settings.redis import *  # noqa: F403
from config.settings.rejected_requests import *  # noqa: F403
from config.settings.rest import *  # noqa: F403
from config.settings.samples import *  # noqa: F403
from config.settings.security import *  # noqa: F403
from core.environment import env
from core.paths import BASE_DIR as BASE_DIR

# Optional: each is one folder, and everything else works without it (docs/decisions/0013-capabilities.md).
CAPABILITIES = [name for name in ("accounts.mfa", "accounts.login_codes", "accounts.passkeys") if find_spec(name)]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it replaces
    "accounts.admin_site.apps.MfaAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "anymail",
    "corsheaders",
    "core",
    "core.dev",
    "sessions_tracking",
    "accounts",
    *CAPABILITIES,
]

# For the admin, the pages, the files and the health checks.
MIDDLEWARE = [
    "core.http.api_stack.ApiStackMiddleware",
    "core.http.request_context.RequestIdMiddleware",
    "core.observability.middleware.AccessLogMiddleware",
    "core.http.security_headers.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.throttling.headers.RateLimitHeadersMiddleware",
    "core.api.middleware.OverloadedPageMiddleware",
    "core.http.locale.LocaleMiddleware",
    "core.api.middleware.IncompleteBodyMiddleware",
    "core.observability.middleware.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.admin_site.session_lifetime.AdminSessionLifetimeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
# For everything below /api, which needs no sessions, messages or CSRF tokens (core.api.origin checks cookie requests).
API_MIDDLEWARE = [
    "core.http.request_context.RequestIdMiddleware",
    "core.observability.middleware.AccessLogMiddleware",
    "core.rejected_requests.middleware.RejectedRequestMiddleware",
    "core.http.security_headers.SecurityHeadersMiddleware",
    "core.throttling.headers.RateLimitHeadersMiddleware",
    "core.api.middleware.ApiErrorMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.http.locale.LocaleMiddleware",
    "core.api.middleware.IncompleteBodyMiddleware",
    "core.observability.middleware.CommonMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The username is unique by its key, which ignores case, and `get_by_natural_key` reads by that key (auth.E003, W004).
# `core.http.security_headers` sets the headers of Django's middleware (W001, W002). The proxy that terminates TLS redirects
# to HTTPS (W008). `core.checks` checks all secrets, not only SECRET_KEY (W009). Only the owner of a whole domain may preload
# HSTS (W021).
SILENCED_SYSTEM_CHECKS = [
    "auth.E003",
    "auth.W004",
    "security.W001",
    "security.W002",
    "security.W008",
    "security.W009",
    "security.W021",
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False  # no other site loads these files

PRODUCT_NAME = env.text("PRODUCT_NAME", "Vestibule")
# It is in the QR code of authenticator apps and in the subjects of emails.
_MAX_PRODUCT_NAME = 100
if len(PRODUCT_NAME) > _MAX_PRODUCT_NAME:
    raise env.BadVariable("PRODUCT_NAME", f"must have at most {_MAX_PRODUCT_NAME} characters")
