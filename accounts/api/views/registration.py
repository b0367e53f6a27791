"""Sign-up and the proof of the address."""

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.docs import registration as docs
from accounts.api.presenters.users import user_summary
from accounts.api.serializers.forms import EmailForm, RegisterForm, VerifyEmailForm
from accounts.services import email_verification, registration
from accounts.services.registration import NewAccount
from accounts.verification import pasted_text
from core.api.exceptions import ValidationFailed
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.validation import checked
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.pages.views import verify_email_page
from core.throttling.by_ip import limited

_REQUIRED = _("This field is required.")


class RegistrationViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"])
    @documented(docs.REGISTER)
    def register(self, request: Request) -> Response:
        """Makes an account and mails a code and a link that prove the address. No token is issued before."""
        form = checked(RegisterForm, request)
        require_trusted(request)  # nobody's browser signs up, or sends mail, for a page elsewhere
        limited(request, settings.RATE_LIMIT_REGISTER)
        email, password = form.pop("email", None), form.pop("password")
        profile = {"language": get_language() or "en"} | form
        user = registration.register(NewAccount(email=email, password=password, profile=profile))
        queued = {"success": True, "message": str(_("The verification email is on its way."))}
        return success(
            {"user": user_summary(user), "emailResult": queued},
            message=_("Your account has been created. Check your inbox to verify your email."),
            status=201,
        )

    @action(detail=False, methods=["post"], url_path="verify-email")
    @documented(docs.VERIFY_BY_CODE)
    def verify_email(self, request: Request) -> Response:
        """Verifies the address with the six-digit code from the email. The fifth wrong try kills the code."""
        form = checked(VerifyEmailForm, request)
        require_trusted(request)  # a first proof sends the welcome email
        limited(request, settings.RATE_LIMIT_PUBLIC)
        user = email_verification.verify_by_code(email=form["email"], code=form["code"])
        return success({"user": user_summary(user)}, message=_("Your email is verified."))

    @verify_email.mapping.get
    @documented(docs.VERIFY_BY_LINK)
    def verify_email_by_link(self, request: Request) -> HttpResponseBase:
        """Verifies the address with the token of the link, again and again while it lives. A browser gets the page instead."""
        if "text/html" in request.headers.get("Accept", "").lower():
            return verify_email_page(request._request)  # noqa: SLF001 - the page is a view of Django's
        # A pasted link ends with the email.
        email, token = (pasted_text.token(_one(request, name)) for name in ("email", "token"))
        require_trusted(request)
        limited(request, settings.RATE_LIMIT_PUBLIC)
        user = email_verification.verify_by_link(email=email, token=token)
        return success({"user": user_summary(user)}, message=_("Your email is verified."))

    @verify_email.mapping.head
    def verify_email_not(self, request: Request) -> Response:
        """Does nothing: a mail scanner that asks whether a link exists has verified nobody."""
        return success()

    @action(detail=False, methods=["post"], url_path="resend-verification")
    @documented(docs.RESEND)
    def resend_verification(self, request: Request) -> Response:
        """Mails another code and link; the former die."""
        email = checked(EmailForm, request)["email"]
        require_trusted(request)
        limited(request, settings.RATE_LIMIT_PUBLIC)
        email_verification.resend(email=email)
        return success(message=_("The verification email is on its way."))


def _one(request: Request, name: str) -> str:
    """A query parameter that is there exactly once: of two, who knows which one a filter in between looked at."""
    values = request.query_params.getlist(name)
    if len(values) != 1 or not values[0] or "\0" in values[0]:
        raise ValidationFailed(errors={name: [_REQUIRED]})
    return values[0]
