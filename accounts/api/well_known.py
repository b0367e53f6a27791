"""The paths below /.well-known (RFC 8615)."""

from django.urls import re_path

from accounts.api.views.jwks import jwks

urlpatterns = [re_path(r"^jwks\.json/?$", jwks, name="jwks")]
