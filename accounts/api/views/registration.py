"""Registration and email verification."""

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
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.pages.views import verify_email_page
from core.throttling.by_ip import enforce_ip_limit

_REQUIRED = _("This field is required.")


class RegistrationViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"])
    @documented(docs.REGISTER)
    def register(self, request: Request) -> Response:
        """Creates an account and sends an email with a code and a link to verify the email. Tokens are issued only after that."""
        form = validated_data(RegisterForm, request)
        require_trusted(request)  # no other site may register accounts or send emails through a visitor's browser
        enforce_ip_limit(request, settings.RATE_LIMIT_REGISTER)
        account = {name: form.pop(name, None) for name in ("email", "password")}
        credential = form.pop("sign_up_credential")
        profile = {"language": get_language() or "en"} | form
        user = registration.register(NewAccount(**account, credential=credential, profile=profile))
        queued = {"success": True, "message": str(_("The verification email is on its way."))}
        return success(
            {"user": user_summary(user), "emailResult": queued},
            message=_("Your account has been created. Check your inbox to verify your email."),
            status=201,
        )

    @action(detail=False, methods=["post"], url_path="verify-email")
    @documented(docs.VERIFY_BY_CODE)
    def verify_email(self, request: Request) -> Response:
        """Verifies the email with its six-digit code. The fifth incorrect attempt invalidates the code."""
        form = validated_data(VerifyEmailForm, request)
        require_trusted(request)  # the first verification sends the welcome email
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        user = email_verification.verify_by_code(email=form["email"], code=form["code"])
        return success({"user": user_summary(user)}, message=_("Your email is verified."))

    @verify_email.mapping.get
    @documented(docs.VERIFY_BY_LINK)
    def verify_email_by_link(self, request: Request) -> HttpResponseBase:
        """Verifies the email with the token of the link, any number of times until it expires. A browser gets a page instead."""
        if "text/html" in request.headers.get("Accept", "").lower():
            return verify_email_page(request._request)  # noqa: SLF001 - the page is a view of Django's
        # A pasted link may bring whitespace along.
        email, token = (pasted_text.token(_single_parameter(request, name)) for name in ("email", "token"))
        require_trusted(request)
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        user = email_verification.verify_by_link(email=email, token=token)
        return success({"user": user_summary(user)}, message=_("Your email is verified."))

    @verify_email.mapping.head
    def verify_email_head(self, request: Request) -> Response:
        """Does nothing: a mail scanner that checks a link must not verify the email."""
        return success()

    @action(detail=False, methods=["post"], url_path="resend-verification")
    @documented(docs.RESEND)
    def resend_verification(self, request: Request) -> Response:
        """Sends another code and link, which invalidate the previous ones."""
        email = validated_data(EmailForm, request)["email"]
        require_trusted(request)
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        email_verification.resend(email=email)
        return success(message=_("The verification email is on its way."))


def _single_parameter(request: Request, name: str) -> str:
    """Return a query parameter that occurs exactly once: of two, a proxy may have checked the other."""
    values = request.query_params.getlist(name)
    if len(values) != 1 or not values[0] or "\0" in values[0]:
        raise ValidationFailed(errors={name: [_REQUIRED]})
    return values[0]
