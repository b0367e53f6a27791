"""Sign-ins in responses."""

from typing import Any

from accounts.api.cookies import Transport
from accounts.services.login import SignIn
from accounts.services.pending_logins import PendingLoginToken
from accounts.services.step_up import SteppedUp
from core.api.timestamps import iso
from sessions_tracking.api.presenters import session_data


def sign_in_data(sign_in: SignIn, transport: Transport) -> dict[str, Any]:
    """Return session and tokens. If the tokens travel in cookies only, return their expiry alone."""
    pair = sign_in.tokens
    times = {"accessExpiresAt": iso(pair.access_expires_at), "refreshExpiresAt": iso(pair.refresh_expires_at)}
    session = session_data(sign_in.session, current=sign_in.session.id)
    codes = {"recoveryCodes": list(sign_in.recovery_codes)} if sign_in.recovery_codes else {}
    if transport is Transport.COOKIE:
        return codes | {"tokens": times, "session": session}
    return codes | {
        "token": pair.access,
        "tokens": {"accessToken": pair.access, "refreshToken": pair.refresh} | times,
        "session": session,
    }


def stepped_up_data(stepped_up: SteppedUp, transport: Transport) -> dict[str, Any]:
    """Return the session with its new context, and its token unless that travels in the cookie only."""
    data = {
        "session": session_data(stepped_up.session, current=stepped_up.session.id),
        "accessExpiresAt": iso(stepped_up.access_expires_at),
    }
    return data if transport is Transport.COOKIE else data | {"token": stepped_up.access_token}


def pending_data(pending: PendingLoginToken) -> dict[str, Any]:
    return {
        "mfaRequired": True,
        "mfaToken": pending.token,
        "methods": list(pending.methods),
        "expiresAt": iso(pending.expires_at),
    }
