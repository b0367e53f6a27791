"""Sign-in by an emailed code or link, and the take-over of an account whose email it proves first."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.exceptions import CodeInvalid
from accounts.identity import attempt_key
from accounts.login_codes import emails, login_tokens
from accounts.login_codes.login_tokens import LoginToken
from accounts.models import AuditKind, Purpose, User, VerificationCode
from accounts.services import account_claim, email_verification, login
from accounts.services.login import SessionOptions, SignIn
from accounts.services.pending_logins import PendingLoginToken
from accounts.verification import code_attempts, verification_codes
from core.throttling import limiter
from sessions_tracking.client_info import ClientInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedCode:
    """`expires_at` is the earliest time at which the code can expire: its lifetime starts when the email is sent."""

    login_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailedSecret:
    """The code or the token of the link, one of which is set, and the `loginToken` of the request that it was sent for."""

    login_token: str
    code: str | None = None
    token: str | None = None


def request_code(*, email: str, language: str, client: ClientInfo) -> RequestedCode:
    """Queue a code for the email, with the same work and response whether or not an account has it. Raises RateLimited."""
    limiter.consume(settings.RATE_LIMIT_LOGIN_CODES, attempt_key(email))
    with transaction.atomic():
        email_id = emails.login_code(email=email, language=language, client=client)
    return RequestedCode(
        login_token=str(LoginToken(email_id, login_tokens.account_of(email))),
        expires_at=datetime.now(UTC) + settings.LOGIN_CODE_LIFETIME,
    )


def log_in(*, secret: EmailedSecret, client: ClientInfo, session_options: SessionOptions) -> SignIn | PendingLoginToken:
    """Use the code or the link up and start a session; with a second factor, begin a pending login.

    The attempt at a code is counted before the comparison, for unknown emails too. A link cannot be guessed, so that it works
    when no attempt is left. Of concurrent uses one succeeds.

    Raises CodeInvalid for every cause alike, and TooManyWrongCodes.
    """
    requested = login_tokens.parse(secret.login_token)
    if requested is None or not settings.LOGIN_CODES:
        raise _record_failure(None)
    if secret.code is not None:
        code_attempts.count_attempt_within(settings.LOGIN_CODE_ATTEMPTS_WINDOW, Purpose.LOGIN, requested.account)
    row = verification_codes.find_of_email(email_id=requested.email_id, purpose=Purpose.LOGIN)
    if row is None or not _is_secret_of(row, secret):
        raise _record_failure(row.user_id if row else None)
    with transaction.atomic():
        user = _use(row)
        if user is not None:
            code_attempts.reset(Purpose.LOGIN, requested.account)
            proven = _prove_email(user)
            return login.continue_login(user=proven, client=client, session_options=session_options, amr=("email",))
    raise _record_failure(row.user_id)


def _is_secret_of(row: VerificationCode, secret: EmailedSecret) -> bool:
    if secret.code is not None:
        return verification_codes.is_code_of(row, secret.code)
    return verification_codes.is_token_of(row, secret.token or "")


def _use(row: VerificationCode) -> User | None:
    """Use the row up, and return its user as locked; None if it is used, or if the user may no longer sign in with it."""
    user = User.objects.select_for_update().filter(id=row.user_id, is_active=True, login_codes=True).first()
    if user is None or not verification_codes.is_bound_to(row, user) or not verification_codes.consume(row):
        return None
    return user


def _prove_email(user: User) -> User:
    """Verify the email of the locked user, and return the user as stored: a claim changes the row."""
    if user.email_verified:
        return user
    is_claim = account_claim.claim_if_unproven(user)
    email_verification.prove(user, how="login_code", facts={"takeOver": True} if is_claim else None)
    return User.objects.get(id=user.id) if is_claim else user


def _record_failure(user_id: uuid.UUID | None) -> CodeInvalid:
    """Return the error to raise."""
    audit.record(AuditKind.LOGIN_FAILED, user_id=user_id, facts={"reason": "wrong_login_code"})
    return CodeInvalid()
