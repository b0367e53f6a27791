"""Users who signed up by passkey on a live server, and the concurrent uses of one challenge there."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.passkeys.testing.authenticator import Json, SoftwareAuthenticator
from core.ids import new_id
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer


@dataclass(frozen=True)
class LiveUser:
    user: User
    authenticator: SoftwareAuthenticator


def new_authenticator(server: LiveServer) -> SoftwareAuthenticator:
    return SoftwareAuthenticator(origin=f"http://localhost:{server.port}")


def new_fields() -> dict[str, str]:
    """Return the email and the username of a new account."""
    name = f"p{new_id().hex[-20:]}"
    return {"email": f"{name}@example.com", "username": name}


def new_credential(server: LiveServer, authenticator: SoftwareAuthenticator) -> Json:
    """Return the credential of a sign-up, which fits any fields."""
    return authenticator.create(_options(server, "/passkeys/signup/options", new_fields()))


def sign_up_over_api(server: LiveServer) -> tuple[str, SoftwareAuthenticator]:
    """Create a user who has only a passkey; return the username too."""
    authenticator, fields = new_authenticator(server), new_fields()
    response = server.send(registration(fields, new_credential(server, authenticator)))
    assert response.status == 201, response
    return fields["username"], authenticator


def sign_up(server: LiveServer) -> LiveUser:
    """Create a verified user, in the database of this process too."""
    username, authenticator = sign_up_over_api(server)
    User.objects.filter(username=username).update(email_verified_at=timezone.now())
    return LiveUser(User.objects.get(username=username), authenticator)


def registration(fields: dict[str, str], credential: Json) -> ApiRequest:
    return ApiRequest("POST", "/register", fields | {"credential": credential})


def sign_in_options(server: LiveServer) -> Json:
    return _options(server, "/passkeys/login/options", None)


def sign_in(credential: Json) -> ApiRequest:
    return ApiRequest("POST", "/passkeys/login", {"credential": credential})


def use_in_parallel(server: LiveServer, live: LiveUser, *, uses: int, at_once: int) -> Counter[str]:
    """Send one assertion `uses` times, `at_once` in parallel; return the number of each code."""
    request = sign_in(live.authenticator.get(sign_in_options(server)))
    return count(response for batch in _batches(uses, at_once) for response in server.send_at_once([request] * batch))


def count(responses: "Iterator[ApiResponse] | list[ApiResponse]") -> Counter[str]:
    received = list(responses)
    assert max(response.status for response in received) < 500, received
    return Counter(response.code for response in received)


def _batches(total: int, size: int) -> Iterator[int]:
    for start in range(0, total, size):
        yield min(size, total - start)


def _options(server: LiveServer, path: str, body: dict[str, Any] | None) -> Json:
    response = server.send(ApiRequest("POST", path, body))
    assert response.status == 200, response
    options: Json = response.data["publicKey"]
    return options
