"""The doors through which sessions end, each as somebody opens it; and the scene that they open in."""

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
class Scene:
    """`tokens` are those of the session that is to end, `other` of another one of the same user."""

    user: User
    tokens: Tokens
    other: Tokens
    admin: str


LoginSurface = Callable[[Scene], ApiRequest]


def set_scene(node: LiveServer, admin: str) -> Scene:
    user = someone()
    return Scene(user=user, tokens=signed_in(node, user), other=signed_in(node, user), admin=admin)


def administrator(node: LiveServer) -> str:
    """The access token of a new administrator."""
    user = someone()
    User.objects.filter(id=user.id).update(role=Role.ADMIN)
    return signed_in(node, user).access


def session_of(tokens: Tokens) -> str:
    return str(jwt.decode(tokens.access, options={"verify_signature": False})["sid"])


def is_alive(node: LiveServer, tokens: Tokens) -> bool:
    return node.send(me(tokens.access)).status == 200


def is_dead(node: LiveServer, tokens: Tokens) -> bool:
    """Both tokens are refused, and by the code that says why."""
    return {node.send(ask).code for ask in (me(tokens.access), refresh(tokens.refresh))} == {"session_revoked"}


def reset_token(user: User) -> str:
    """What the email of a reset holds, sent by this process."""
    assert user.email
    outbox.password_reset(email=user.email, language="en")
    deliver_due()
    return token_in([message for message in mail.outbox if message.to == [user.email]][-1])


def _delete(session: Tokens, token: str) -> ApiRequest:
    return ApiRequest("DELETE", f"/sessions/{session_of(session)}", token=token)


def _reset(scene: Scene) -> ApiRequest:
    return ApiRequest("POST", "/reset-password", {"token": reset_token(scene.user), "newPassword": NEW})


def _change(scene: Scene, **changes: object) -> ApiRequest:
    return ApiRequest("PATCH", f"/users/{scene.user.id}", changes, scene.admin)


# These end the one session, or all but the one that they come from.
OF_ONE: Mapping[str, LoginSurface] = {
    "logout": lambda scene: ApiRequest("POST", "/logout", token=scene.tokens.access),
    "logout by the refresh token": lambda scene: ApiRequest("POST", "/logout", {"refreshToken": scene.tokens.refresh}),
    "logout by the id of the session": lambda scene: ApiRequest(
        "POST", "/logout", {"sessionId": session_of(scene.tokens)}, scene.other.access
    ),
    "logout-all but the current one": lambda scene: ApiRequest(
        "POST", "/logout-all", {"exceptCurrent": True}, scene.other.access
    ),
    "deletion of the session": lambda scene: _delete(scene.tokens, scene.tokens.access),
    "deletion of another session": lambda scene: _delete(scene.tokens, scene.other.access),
    "change of the password": lambda scene: ApiRequest(
        "POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}, scene.other.access
    ),
}
OF_ALL: Mapping[str, LoginSurface] = {
    "logout-all": lambda scene: ApiRequest("POST", "/logout-all", token=scene.other.access),
    "reset of the password": _reset,
    "deletion of the account": lambda scene: ApiRequest("DELETE", "/me", {"password": PASSWORD}, scene.other.access),
    "an administrator deactivates": lambda scene: _change(scene, isActive=False),
    "an administrator sets a password": lambda scene: _change(scene, password=NEW),
    "an administrator signs out": lambda scene: ApiRequest(
        "POST", f"/users/{scene.user.id}/revoke-sessions", token=scene.admin
    ),
    "an administrator deletes": lambda scene: ApiRequest("DELETE", f"/users/{scene.user.id}", token=scene.admin),
}
