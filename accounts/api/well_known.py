"""The paths below /.well-known (RFC 8615)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import re_path

from accounts.api.views.jwks import jwks
from core.http.safe_methods import read_only


@read_only
def change_password(_request: HttpRequest) -> HttpResponse:
    """Lead password managers to the page where a password is changed (W3C: A Well-Known URL for Changing Passwords)."""
    response = HttpResponseRedirect(settings.CHANGE_PASSWORD_URL)
    response["Cache-Control"] = "no-store"
    return response


urlpatterns = [
    re_path(r"^jwks\.json/?$", jwks, name="jwks"),
    re_path(r"^change-password/?$", change_password, name="change-password"),
]
