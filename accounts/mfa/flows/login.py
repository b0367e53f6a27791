"""The second half of a sign-in: a code of the app, or a recovery code, against the challenge that the password opened.

Whoever gets here gave the right password, so the waits that wrong ones bring about do not concern it: it has a limit of its own.
Whether the account is active, and the password still the same, is asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

from accounts import audit
from accounts.exceptions import CodeInvalid
from accounts.mail import outbox
from accounts.mfa.flows import attempts, challenges, recovery_codes, totp_codes
from accounts.mfa.models import TotpFactor
from accounts.models import AuditKind, LoginSurface, PendingLogin, User
from accounts.services import login
from accounts.services.login import SessionWishes, SignIn
from core.api.exceptions import TokenInvalid
from sessions_tracking.client_info import ClientInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One of the two is given."""

    code: str | None = None
    recovery_code: str | None = None


def log_in(*, token: str, proof: Proof, client: ClientInfo) -> SignIn:
    """Ends the sign-in that `token` stands for with a session, as the client wished for it at the start.

    Raises TokenInvalid, TokenExpired; CodeInvalid and TooManyWrongCodes, once the try is counted.
    """
    return settle(
        token=token,
        door=LoginSurface.API,
        proof=proof,
        client=client,
        then=lambda challenge: login.start_session(
            user=challenge.user, client=client, wishes=SessionWishes(**challenge.wishes), second_factor=True
        ),
    )


def settle(*, token: str, door: LoginSurface, proof: Proof, client: ClientInfo, then: Callable[[PendingLogin], T]) -> T:
    """Uses up code and challenge and does `then`, all in one transaction. Raises as `log_in`.

    The user's row is locked meanwhile, so parallel tries are judged one by one; a wrong one is counted, committed, and only
    then refused.
    """
    with transaction.atomic():
        challenge = challenges.lock(token=token, door=door)
        accepted = _accept(challenge, proof, client)
        result = then(challenge) if accepted else None
    if result is None:
        raise CodeInvalid
    return result


def _accept(challenge: PendingLogin, proof: Proof, client: ClientInfo) -> bool:
    user = challenge.user
    factor = TotpFactor.objects.get(user=user)
    attempts.require_tries_left(factor)
    if not _use(factor, user, proof, client):
        attempts.count(factor)
        challenges.count_wrong(challenge)
        audit.record(AuditKind.MFA_FAILED, user_id=user.id)
        return False
    if not challenges.end(challenge):
        raise TokenInvalid
    return True


def _use(factor: TotpFactor, user: User, proof: Proof, client: ClientInfo) -> bool:
    if proof.recovery_code is None:
        return totp_codes.use(factor, proof.code or "")
    if not recovery_codes.use(user_id=user.id, code=proof.recovery_code):
        return False
    left = recovery_codes.left(user_id=user.id)
    audit.record(AuditKind.RECOVERY_CODE_USED, user_id=user.id, actor_id=user.id, facts={"left": left})
    outbox.recovery_code_used(user, client, left=left)
    return True
