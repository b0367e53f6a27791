"""dj-rest-auth with SimpleJWT, registration through allauth."""

from shared.settings import *  # noqa: F403
from shared.settings import INSTALLED_APPS, JWT_AUTHENTICATION, MIDDLEWARE

INSTALLED_APPS += [
    "django.contrib.sites",
    "rest_framework_simplejwt.token_blacklist",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "dj_rest_auth",
    "dj_rest_auth.registration",
]
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
SITE_ID = 1
REST_FRAMEWORK = JWT_AUTHENTICATION
REST_AUTH = {"USE_JWT": True, "JWT_AUTH_HTTPONLY": False, "SESSION_LOGIN": False, "TOKEN_MODEL": None}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
ROOT_URLCONF = "with_dj_rest_auth.urls"
