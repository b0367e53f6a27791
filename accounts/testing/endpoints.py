"""All endpoints with a body, each with a valid one, for the tests of hostile input."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.testing.api_client import PASSWORD


@dataclass(frozen=True)
class Endpoint:
    """`lenient` names the fields that may also be null; `kinds` maps fields to JSON types other than text."""

    method: str
    path: str
    body: Mapping[str, Any]
    caller: str | None = None
    lenient: frozenset[str] = frozenset()
    kinds: Mapping[str, type] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def with_field(self, name: str, value: object) -> dict[str, Any]:
        """Return the body with this field. A login accepts only one of its three identifiers."""
        body = dict(self.body)
        if self.path == "/login" and name in _NAMES:
            body.pop("username")
        return body | {name: value}


_NAMES = {"email", "username", "identifier"}
_PERSON = {"firstName": "Alice", "lastName": "Liddell", "language": "en"}
_ACCOUNT = {"email": "new@example.com", "username": "newcomer", "password": PASSWORD} | _PERSON
_RIGHTS = {"role": "USER", "isActive": True, "emailVerified": True}
_RIGHT_KINDS = {"isActive": bool, "emailVerified": bool}
_DEACTIVATION = {"isActive": False, "deactivationReason": "Left the company"}
_NEW = "Another-Horse-8"
_TOKEN = "bm90IGEgdG9rZW4"
_INTROSPECTION = {"token": _TOKEN, "token_type_hint": "access_token", "client_id": "x", "client_secret": "y"}
_CREDENTIAL = {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}}

ENDPOINTS = [
    Endpoint("POST", "/register", _ACCOUNT),
    Endpoint(
        "POST",
        "/register",
        {"email": "new@example.com", "username": "newcomer", "credential": _CREDENTIAL},
        kinds={"credential": dict},
    ),
    Endpoint("POST", "/verify-email", {"email": "bob@example.com", "code": "123456"}),
    Endpoint("POST", "/resend-verification", {"email": "bob@example.com"}),
    Endpoint(
        "POST",
        "/login",
        {"username": "alice", "password": PASSWORD, "deviceName": "Phone", "data": {"theme": "dark"}},
        kinds={"data": dict},
    ),
    Endpoint("POST", "/login/code", {"email": "alice@example.com"}),
    Endpoint(
        "POST",
        "/login/code/verify",
        {"loginToken": _TOKEN, "code": "123456", "deviceName": "Phone", "data": {"theme": "dark"}},
        lenient=frozenset({"loginToken"}),
        kinds={"data": dict},
    ),
    Endpoint("POST", "/login/code/verify", {"loginToken": _TOKEN, "token": _TOKEN}, lenient=frozenset({"loginToken"})),
    Endpoint("POST", "/refresh", {"refreshToken": _TOKEN}, lenient=frozenset({"refreshToken"})),
    Endpoint("POST", "/refresh-token", {"refreshToken": _TOKEN}, lenient=frozenset({"refreshToken"})),
    Endpoint(
        "POST",
        "/logout",
        {"refreshToken": _TOKEN, "mfaToken": _TOKEN},
        lenient=frozenset({"refreshToken", "mfaToken"}),
    ),
    Endpoint("POST", "/logout", {"sessionId": "x"}, caller="alice", lenient=frozenset({"sessionId"})),
    Endpoint("POST", "/logout-all", {"exceptCurrent": True}, caller="alice", kinds={"exceptCurrent": bool}),
    Endpoint("PATCH", "/me", {"username": "alice2"} | _PERSON, caller="alice"),
    Endpoint("PATCH", "/profile", {"username": "alice2"} | _PERSON, caller="alice"),
    Endpoint("DELETE", "/me", {"password": PASSWORD}, caller="alice"),
    Endpoint("DELETE", "/profile", {"password": PASSWORD}, caller="alice"),
    Endpoint("PATCH", "/sessions/{session}", {"name": "Phone", "data": {"a": 1}}, caller="alice", kinds={"data": dict}),
    Endpoint("POST", "/forgot-password", {"email": "alice@example.com"}),
    Endpoint("POST", "/reset-password", {"token": _TOKEN, "newPassword": _NEW}),
    Endpoint("POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": _NEW}, caller="alice"),
    Endpoint("POST", "/change-email", {"newEmail": "alice@example.org", "password": PASSWORD}, caller="alice"),
    Endpoint("POST", "/change-email/confirm", {"code": "123456"}, caller="alice"),
    Endpoint("POST", "/change-email/undo", {"token": _TOKEN}),
    Endpoint("POST", "/mfa/totp/confirm", {"code": "123456"}, caller="alice"),
    Endpoint("DELETE", "/mfa/totp", {"password": PASSWORD}, caller="alice"),
    Endpoint("POST", "/mfa/recovery-codes", {"password": PASSWORD}, caller="alice"),
    Endpoint("POST", "/mfa/verify", {"mfaToken": _TOKEN, "code": "123456"}),
    Endpoint("POST", "/mfa/recovery", {"mfaToken": _TOKEN}),
    Endpoint("POST", "/mfa/recovery/complete", {"token": _TOKEN}),
    Endpoint("POST", "/mfa/recovery/cancel", {"token": _TOKEN}, lenient=frozenset({"token"})),
    Endpoint("POST", "/mfa/verify", {"mfaToken": _TOKEN, "recoveryCode": "K7M2X-QH4TR"}),
    Endpoint("POST", "/mfa/verify", {"mfaToken": _TOKEN, "credential": _CREDENTIAL}, kinds={"credential": dict}),
    Endpoint("POST", "/mfa/passkey/options", {"mfaToken": _TOKEN}),
    Endpoint(
        "POST",
        "/passkeys/login",
        {"credential": _CREDENTIAL, "deviceName": "Phone", "data": {"theme": "dark"}},
        kinds={"credential": dict, "data": dict},
    ),
    Endpoint("POST", "/passkeys/signup/options", {"email": "new@example.com", "username": "newcomer"}),
    Endpoint(
        "POST",
        "/passkeys",
        {"credential": _CREDENTIAL, "name": "Phone"},
        caller="alice",
        kinds={"credential": dict},
    ),
    Endpoint("PATCH", "/passkeys/{session}", {"name": "Phone"}, caller="alice"),  # of an id that no passkey has
    Endpoint("POST", "/reauthenticate", {"password": PASSWORD}, caller="alice"),
    Endpoint("POST", "/reauthenticate", {"code": "123456"}, caller="alice"),
    Endpoint("POST", "/reauthenticate", {"recoveryCode": "K7M2X-QH4TR"}, caller="alice"),
    Endpoint("POST", "/reauthenticate", {"emailCode": "123456"}, caller="alice"),
    Endpoint("POST", "/reauthenticate", {"credential": _CREDENTIAL}, caller="alice", kinds={"credential": dict}),
    Endpoint("POST", "/introspect", _INTROSPECTION),
    Endpoint("POST", "/revoke", _INTROSPECTION),
    Endpoint("POST", "/users", _ACCOUNT | _RIGHTS, caller="admin", kinds=_RIGHT_KINDS),
    Endpoint("PATCH", "/users/{user}", _DEACTIVATION, caller="admin", kinds={"isActive": bool}),
    Endpoint("PATCH", "/users/{user}", _ACCOUNT | _RIGHTS, caller="admin", kinds=_RIGHT_KINDS),
]
# Unsafe methods that ignore the body.
WITHOUT_BODY = {
    ("DELETE", "/sessions/{pk}"),
    ("DELETE", "/users/{pk}"),
    ("POST", "/users/{pk}/revoke-sessions"),
    ("POST", "/users/{pk}/invite"),
    ("POST", "/mfa/totp"),
    ("POST", "/passkeys/login/options"),
    ("POST", "/passkeys/registration/options"),
    ("DELETE", "/passkeys/{pk}"),
    ("POST", "/reauthenticate/options"),
    ("POST", "/reauthenticate/email"),
}
