"""SimpleJWT alone, with its blacklist."""

from shared.settings import *  # noqa: F403
from shared.settings import INSTALLED_APPS, JWT_AUTHENTICATION

INSTALLED_APPS += ["rest_framework_simplejwt.token_blacklist"]
REST_FRAMEWORK = JWT_AUTHENTICATION
ROOT_URLCONF = "with_simplejwt.urls"
