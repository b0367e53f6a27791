"""djoser with SimpleJWT, as its documentation sets it up."""

from shared.settings import *  # noqa: F403
from shared.settings import INSTALLED_APPS, JWT_AUTHENTICATION

INSTALLED_APPS += ["djoser", "rest_framework_simplejwt.token_blacklist"]
REST_FRAMEWORK = JWT_AUTHENTICATION
ROOT_URLCONF = "with_djoser.urls"
