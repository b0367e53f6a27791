"""Passkeys on a live server, without this process's database: sign-up, sign-in, and concurrent uses of one challenge."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from accounts.passkeys.testing.authenticator import Json, SoftwareAuthenticator
from core.ids import new_id
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer


def new_authenticator(server: LiveServer, *, origin: str | None = None) -> SoftwareAuthenticator:
    """Return an authenticator without passkeys at `origin`, or else at the default of WEBAUTHN_ORIGINS."""
    return SoftwareAuthenticator(origin=origin or f"http://localhost:{server.port}")


def new_fields() -> dict[str, str]:
    """Return the email and the username of a new account."""
    name = f"p{new_id().hex[-20:]}"
    return {"email": f"{name}@example.com", "username": name}


def new_credential(server: LiveServer, authenticator: SoftwareAuthenticator) -> Json:
    """Return the credential of a sign-up, which fits any fields."""
    return authenticator.create(_options(server, "/passkeys/signup/options", new_fields()))


def sign_up(server: LiveServer, *, origin: str | None = None) -> tuple[str, SoftwareAuthenticator]:
    """Create a user who has only a passkey, and return the username and the authenticator."""
    authenticator, fields = new_authenticator(server, origin=origin), new_fields()
    response = server.send(registration(fields, new_credential(server, authenticator)))
    assert response.status == 201, response
    return fields["username"], authenticator


def registration(fields: dict[str, str], credential: Json) -> ApiRequest:
    return ApiRequest("POST", "/register", fields | {"credential": credential})


def sign_in_options(server: LiveServer) -> Json:
    return _options(server, "/passkeys/login/options", None)


def sign_in(credential: Json) -> ApiRequest:
    return ApiRequest("POST", "/passkeys/login", {"credential": credential})


def use_in_parallel(server: LiveServer, authenticator: SoftwareAuthenticator, *, uses: int) -> Counter[str]:
    """Send one assertion `uses` times at once, and return the number of each code."""
    request = sign_in(authenticator.get(sign_in_options(server)))
    return count(server.send_at_once([request] * uses))


def count(responses: Iterable[ApiResponse]) -> Counter[str]:
    """Return the number of each code. None may be a server error."""
    received = list(responses)
    assert max(response.status for response in received) < 500, received
    return Counter(response.code for response in received)


def _options(server: LiveServer, path: str, body: dict[str, Any] | None) -> Json:
    response = server.send(ApiRequest("POST", path, body))
    assert response.status == 200, response
    options: Json = response.data["publicKey"]
    return options
