"""Sign-in by passkey, without a username. The session that it starts has the challenge's id, and so uses the challenge up."""

import uuid

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.exceptions import EmailNotVerified, InvalidCredentials
from accounts.models import AuditKind, User
from accounts.passkeys import ceremonies, challenges, relying_party
from accounts.passkeys.ceremonies import Assertion
from accounts.passkeys.challenges import Challenge, ChallengePurpose
from accounts.passkeys.credential_json import PresentedCredential
from accounts.passkeys.exceptions import PasskeyInvalid, PasskeyInvalidLogin, PasskeyUnknown
from accounts.passkeys.flows import usage
from accounts.passkeys.models import Passkey
from accounts.passkeys.relying_party import Options
from accounts.services import credential_check, login
from accounts.services.login import SessionOptions, SignIn
from core.api.exceptions import ApiError
from sessions_tracking.authentication_context import AssuranceLevel, authenticated_now
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import Session


def get_options() -> Options:
    """Return options that name no user. Nothing is stored: it costs one keyed hash."""
    challenge = challenges.issue(ChallengePurpose.SIGN_IN)
    return relying_party.request_options(challenge, user_verification="required")


def sign_in(*, credential: object, client: ClientInfo, session_options: SessionOptions) -> SignIn:
    """Start a session at AAL2 for the owner of the passkey, with one write more than a sign-in by password.

    Raises PasskeyUnknown; EmailNotVerified, for a valid assertion only; PasskeyInvalidLogin for every other defect, and for a
    deactivated owner. Each failure is audited.
    """
    presented = _read(credential)
    passkey = usage.find(presented.credential_id)
    if passkey is None:
        raise _record_failure(None, "passkey_unknown", PasskeyUnknown())
    challenge, assertion = _verify(presented, passkey)
    _require_usable(passkey.user)
    try:
        with transaction.atomic():
            started = _start_session(passkey, challenge, client, session_options)
            usage.record(passkey=passkey, assertion=assertion, client=client)
    except IntegrityError as error:
        if not _is_used(challenge):
            raise
        raise _record_failure(passkey.user, "challenge_used") from error
    except (InvalidCredentials, PasskeyInvalid) as error:  # changed since the passkey was read
        raise _record_failure(passkey.user, "passkey_invalid") from error
    return started


def _read(credential: object) -> PresentedCredential:
    try:
        return ceremonies.read(credential)
    except PasskeyInvalid as error:
        raise _record_failure(None, "passkey_invalid") from error


def _verify(presented: PresentedCredential, passkey: Passkey) -> tuple[Challenge, Assertion]:
    """Verify the assertion. The authenticator must send the user handle: the options named no user (§7.2 step 6)."""
    challenge = challenges.parse(presented.challenge, ChallengePurpose.SIGN_IN)
    if challenge is None:
        raise _record_failure(passkey.user, "challenge_invalid")
    try:
        assertion = ceremonies.verify_assertion(
            presented, passkey=passkey, challenge=challenge, require_user_verification=True
        )
    except PasskeyInvalid as error:
        raise _record_failure(passkey.user, "passkey_invalid") from error
    if assertion.user_handle is None:
        raise _record_failure(passkey.user, "passkey_invalid")
    return challenge, assertion


def _require_usable(user: User) -> None:
    if not user.is_active:
        raise _record_failure(user, "inactive")
    if credential_check.must_verify_email(user):
        raise _record_failure(user, "email_not_verified", EmailNotVerified())


def _start_session(
    passkey: Passkey, challenge: Challenge, client: ClientInfo, session_options: SessionOptions
) -> SignIn:
    return login.start_session(
        user=passkey.user,
        client=client,
        session_options=session_options,
        context=authenticated_now(passkey.amr, acr=AssuranceLevel.AAL2),
        session_id=challenge.id,
    )


def _is_used(challenge: Challenge) -> bool:
    return Session.objects.filter(id=challenge.id).exists()


def _record_failure(user: User | None, reason: str, error: ApiError | None = None) -> ApiError:
    user_id: uuid.UUID | None = user.id if user else None
    audit.record(AuditKind.LOGIN_FAILED, user_id=user_id, facts={"reason": reason})
    return error or PasskeyInvalidLogin()
