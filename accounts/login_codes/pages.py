"""The page that the link of the email opens. `config.urls` includes it if the capability is installed."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from core.http.safe_methods import safe_methods_only
from core.pages.views import page


@safe_methods_only
def login_code_page(request: HttpRequest) -> HttpResponse:
    """Show a button that signs in: mail scanners open links, and must not use them up."""
    return page(request, "pages/login_code.html", {"frontend_url": settings.FRONTEND_URL})


urlpatterns = [re_path(r"^login-code/?$", login_code_page, name="login-code-page")]
