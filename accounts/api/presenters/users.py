"""How users and sign-ins look on the wire."""

import uuid
from collections.abc import Callable
from typing import Any

from accounts.api.cookies import Transport
from accounts.mfa.flows.challenges import Pending
from accounts.models import User
from accounts.services.login import SignIn
from accounts.services.pagination import Page
from accounts.services.profile import Account
from core.api.timestamps import iso, iso_or_none
from sessions_tracking.api.presenters import session_data


def user_summary(user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "email": user.email,
        "username": user.username,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "role": user.role,
        "emailVerified": user.email_verified,
        "createdAt": iso(user.created_at),
    }


def user_profile(user: User) -> dict[str, Any]:
    return user_summary(user) | {
        "language": user.language,
        "mfaEnabled": user.mfa_enabled,
        "updatedAt": iso(user.updated_at),
        "lastLoginAt": iso_or_none(user.last_login),
    }


def administered_user(user: User) -> dict[str, Any]:
    return user_profile(user) | {
        "isActive": user.is_active,
        "deactivatedAt": iso_or_none(user.deactivated_at),
        "deactivationReason": user.deactivation_reason,
    }


def page_data(name: str, page: Page[Any], present: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    rows = [present(row) for row in page.rows]
    return {name: rows, "count": page.count, "page": page.number, "pageSize": page.size}


def account_data(account: Account, *, current: uuid.UUID) -> dict[str, Any]:
    """What `/me` says; `current` is the id of the caller's own session."""
    rows = [session_data(session, current=current) for session in account.sessions]
    return {"user": user_profile(account.user) | {"sessions": rows}}


def sign_in_data(sign_in: SignIn, transport: Transport) -> dict[str, Any]:
    """Session and tokens; with cookies alone, only when the tokens expire."""
    pair = sign_in.tokens
    times = {"accessExpiresAt": iso(pair.access_expires_at), "refreshExpiresAt": iso(pair.refresh_expires_at)}
    session = session_data(sign_in.session, current=sign_in.session.id)
    if transport is Transport.COOKIE:
        return {"tokens": times, "session": session}
    return {
        "token": pair.access,
        "tokens": {"accessToken": pair.access, "refreshToken": pair.refresh} | times,
        "session": session,
    }


def pending_data(pending: Pending) -> dict[str, Any]:
    return {
        "mfaRequired": True,
        "mfaToken": pending.token,
        "methods": ["totp", "recovery_code"],
        "expiresAt": iso(pending.expires_at),
    }
