"""Every request that revokes sessions, and the scenario in which tests send it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jwt
from django.core import mail

from accounts.mail import outbox
from accounts.mail.delivery import deliver_due
from accounts.models import Role, User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import Tokens, me, refresh, signed_in, someone
from accounts.testing.emails import token_in
from core.testing.live_server import ApiRequest, LiveServer

NEW = "Another-Horse-8"


@dataclass(frozen=True)
class Scenario:
    """`tokens` belong to the session to revoke, `other` to another session of the same user."""

    user: User
    tokens: Tokens
    other: Tokens
    admin: str


RevocationPath = Callable[[Scenario], ApiRequest]


def make_scenario(node: LiveServer, admin: str) -> Scenario:
    user = someone()
    return Scenario(user=user, tokens=signed_in(node, user), other=signed_in(node, user), admin=admin)


def administrator(node: LiveServer) -> str:
    """Return the access token of a new administrator."""
    user = someone()
    User.objects.filter(id=user.id).update(role=Role.ADMIN)
    return signed_in(node, user).access


def session_of(tokens: Tokens) -> str:
    return str(jwt.decode(tokens.access, options={"verify_signature": False})["sid"])


def is_alive(node: LiveServer, tokens: Tokens) -> bool:
    return node.send(me(tokens.access)).status == 200


def is_revoked(node: LiveServer, tokens: Tokens) -> bool:
    """Return whether both tokens are rejected as revoked."""
    return {node.send(request).code for request in (me(tokens.access), refresh(tokens.refresh))} == {"session_revoked"}


def reset_token(user: User) -> str:
    """Return the token of a password reset email, sent by this process."""
    assert user.email
    outbox.password_reset(email=user.email, language="en")
    deliver_due()
    return token_in([message for message in mail.outbox if message.to == [user.email]][-1])


def _delete(session: Tokens, token: str) -> ApiRequest:
    return ApiRequest("DELETE", f"/sessions/{session_of(session)}", token=token)


def _reset(scenario: Scenario) -> ApiRequest:
    return ApiRequest("POST", "/reset-password", {"token": reset_token(scenario.user), "newPassword": NEW})


def _change(scenario: Scenario, **changes: object) -> ApiRequest:
    return ApiRequest("PATCH", f"/users/{scenario.user.id}", changes, scenario.admin)


# These revoke one session, or all except the one that they come from.
SINGLE: Mapping[str, RevocationPath] = {
    "logout": lambda scenario: ApiRequest("POST", "/logout", token=scenario.tokens.access),
    "logout by the refresh token": lambda scenario: ApiRequest(
        "POST", "/logout", {"refreshToken": scenario.tokens.refresh}
    ),
    "logout by the id of the session": lambda scenario: ApiRequest(
        "POST", "/logout", {"sessionId": session_of(scenario.tokens)}, scenario.other.access
    ),
    "logout-all but the current one": lambda scenario: ApiRequest(
        "POST", "/logout-all", {"exceptCurrent": True}, scenario.other.access
    ),
    "deletion of the session": lambda scenario: _delete(scenario.tokens, scenario.tokens.access),
    "deletion of another session": lambda scenario: _delete(scenario.tokens, scenario.other.access),
    "change of the password": lambda scenario: ApiRequest(
        "POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}, scenario.other.access
    ),
}
ALL: Mapping[str, RevocationPath] = {
    "logout-all": lambda scenario: ApiRequest("POST", "/logout-all", token=scenario.other.access),
    "reset of the password": _reset,
    "deletion of the account": lambda scenario: ApiRequest(
        "DELETE", "/me", {"password": PASSWORD}, scenario.other.access
    ),
    "an administrator deactivates": lambda scenario: _change(scenario, isActive=False),
    "an administrator sets a password": lambda scenario: _change(scenario, password=NEW),
    "an administrator signs out": lambda scenario: ApiRequest(
        "POST", f"/users/{scenario.user.id}/revoke-sessions", token=scenario.admin
    ),
    "an administrator deletes": lambda scenario: ApiRequest(
        "DELETE", f"/users/{scenario.user.id}", token=scenario.admin
    ),
}
