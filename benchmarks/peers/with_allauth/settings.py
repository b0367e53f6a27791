"""allauth headless, for apps: its sessions by token, or with ALLAUTH_JWT its JWTs, `stateless` or `stateful`."""

import os

from shared.settings import *  # noqa: F403
from shared.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS += ["allauth", "allauth.account", "allauth.headless"]
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
HEADLESS_ONLY = True
HEADLESS_CLIENTS = ("app",)
ROOT_URLCONF = "with_allauth.urls"

_AUTHENTICATION = "allauth.headless.contrib.rest_framework.authentication"
_KIND = os.environ.get("ALLAUTH_JWT", "")
if _KIND:
    HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"
    HEADLESS_JWT_ALGORITHM = "HS256"
    HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 900
    HEADLESS_JWT_ROTATE_REFRESH_TOKEN = True
    HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = _KIND == "stateful"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        f"{_AUTHENTICATION}.{'JWTTokenAuthentication' if _KIND else 'XSessionTokenAuthentication'}"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
