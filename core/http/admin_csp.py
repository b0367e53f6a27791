"""What browsers may load on the pages of the admin: nothing of another host, no script that is not a file of ours."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

# Of the policy of all other pages, two things are loosened, and only here. django-unfold keeps its menus in attributes that
# Alpine's standard build turns into functions, which browsers count as eval: inline scripts and handlers stay forbidden, so
# that a name with markup in it still runs nothing by itself. And its colours come in a <style>, its widths in style="…".
POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
# Under `no-referrer` browsers send a form with `Origin: null`, which the check of Django's CSRF middleware refuses.
REFERRER_POLICY: Final = "same-origin"
_TEXT: Final = "; ".join(f"{name} {sources}" for name, sources in POLICY.items())


class AdminPolicyMiddleware:
    """Behind the middleware that gives every other page the strict policy, which leaves an answer's own as it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/admin/"):
            response.headers.setdefault("Content-Security-Policy", _TEXT)
            response.headers.setdefault("Referrer-Policy", REFERRER_POLICY)
        return response
