"""django-rest-knox: opaque tokens, their digests in the database."""

from shared.settings import *  # noqa: F403
from shared.settings import INSTALLED_APPS

INSTALLED_APPS += ["knox"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["knox.auth.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
REST_KNOX = {"USER_SERIALIZER": "shared.me.UserSerializer"}
ROOT_URLCONF = "with_knox.urls"
