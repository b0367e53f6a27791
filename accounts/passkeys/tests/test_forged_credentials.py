"""Forged assertions: each is refused as invalid, quickly, and is never a server error."""

import gc
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.authenticator import SYNCED, Flags, Json
from accounts.passkeys.testing.passkey_client import UserWithPasskey
from accounts.testing.api_client import PASSWORD, ApiClient
from sessions_tracking.models import Session

MAX_SECONDS = 0.3
FORGERIES: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://evil.example"},
    "a subdomain's origin": {"origin": "https://evil.localhost"},
    "a null origin": {"origin": "null"},
    "a cross-origin frame": {"cross_origin": True},
    "a cross-origin frame with its top": {"cross_origin": True, "top_origin": "https://evil.example"},
    "a top-level site alone": {"top_origin": "https://evil.example"},
    "a registration": {"type": "webauthn.create"},
    "a payment": {"type": "payment.get"},
    "another site": {"rp_id": "evil.example"},
    "no user present": {"flags": Flags.UV},
    "no flags": {"flags": Flags(0)},
    "backed up without eligibility": {"flags": Flags.UP | Flags.UV | Flags.BS},
    "another eligibility for backup": {"flags": Flags.UP | Flags.UV},
    "a credential in the assertion": {"flags": SYNCED | Flags.AT, "trailing": bytes(16) + b"\x00\x01a" + b"\xa0"},
    "attested data announced and missing": {"flags": SYNCED | Flags.AT},
    "extensions announced and missing": {"flags": SYNCED | Flags.ED},
    "trailing bytes": {"trailing": b"\x00"},
    "a kilobyte of trailing bytes": {"trailing": bytes(1024)},
    "garbage as extensions": {"extensions": b"\xff\xff\xff"},
    "deeply nested extensions": {"extensions": b"\x81" * 3000 + b"\x01"},
    "a huge length": {"extensions": b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"},
    "empty authenticator data": {"authenticator_data": b"\x00"},
    "short authenticator data": {"authenticator_data": bytes(36)},
    "an unknown challenge": {"challenge": bytes(56)},
    "an empty challenge": {"challenge": b""},
    "an overlong challenge": {"challenge": bytes(2048)},
    "client data that is not JSON": {"client_data": b"\xff"},
    "client data that is a list": {"client_data": b"[]"},
    "client data without fields": {"client_data": b"{}"},
    "client data with numbers": {"client_data": b'{"type":1,"challenge":2,"origin":3}'},
    "nested client data": {"client_data": b"[" * 3000},
    "an empty signature": {"signature": b"\x00"},
    "a long signature": {"signature": bytes(2048)},
    "another handle": {"user_handle": bytes(64)},
}  # fmt: skip
UNREAD = {"clientExtensionResults", "authenticatorAttachment"}
# Each is put in place of the value of each field that the service reads.
MALFORMED: list[object] = [None, 1, True, [], {}, "", "a", "====", "é", "\ud800", "a" * 9000]


def _assert_refused(response: Any, seconds: float, statuses: set[int]) -> None:
    assert response.status_code in statuses, response.content
    assert response.json()["code"] in {"passkey_invalid", "passkey_unknown", "validation_error"}
    assert not response.cookies
    assert seconds < MAX_SECONDS


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result and the CPU time: the wall clock would measure what else runs on the machine.

    Nor is it to measure a garbage collection of all tests.
    """
    gc.collect()
    started = time.thread_time()
    return call(), time.thread_time() - started


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_assertion_is_refused(alice_with_passkey: UserWithPasskey, forgery: str) -> None:
    credential = alice_with_passkey.authenticator.get(passkey_client.sign_in_options(), **FORGERIES[forgery])
    before = Session.objects.count()

    response, seconds = _timed(lambda: passkey_client.send_assertion(credential))

    _assert_refused(response, seconds, {401})
    assert response.json()["code"] == "passkey_invalid"
    assert Session.objects.count() == before


def test_a_forged_assertion_completes_no_login(alice_with_passkey: UserWithPasskey) -> None:
    before = Session.objects.count()

    for overrides in FORGERIES.values():
        body = {"username": "alice", "password": PASSWORD}
        token = ApiClient().post("/login", body).json()["data"]["mfaToken"]
        verify = partial(passkey_client.verify_second_factor, token, alice_with_passkey.authenticator, **overrides)
        response, seconds = _timed(verify)
        _assert_refused(response, seconds, {401})

    assert Session.objects.count() == before


def test_a_forged_assertion_steps_up_no_session(alice_with_passkey: UserWithPasskey) -> None:
    session = alice_with_passkey.session
    before = Session.objects.values().get()

    for overrides in FORGERIES.values():
        options = passkey_client.step_up_options(session)
        credential = alice_with_passkey.authenticator.get(options, **overrides)
        response, seconds = _timed(partial(session.client.post, "/reauthenticate", {"credential": credential}))
        _assert_refused(response, seconds, {400})

    assert Session.objects.values().get() == before


def _fields(value: Json, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    nested = [
        field for name, inner in value.items() if isinstance(inner, dict) for field in _fields(inner, (*path, name))
    ]
    return [(*path, name) for name in value] + nested


def _replaced(credential: Json, path: tuple[str, ...], value: object) -> Json:
    copy: Json = json.loads(json.dumps(credential))
    target = copy
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    return copy


def test_a_malformed_field_is_refused(alice_with_passkey: UserWithPasskey) -> None:
    credential = alice_with_passkey.authenticator.get(passkey_client.sign_in_options())
    before = Session.objects.count()

    for path in _fields(credential):
        for value in MALFORMED if path[0] not in UNREAD else ():
            body = json.dumps({"credential": _replaced(credential, path, value)})  # escapes lone surrogates
            response, seconds = _timed(partial(_send, body))
            _assert_refused(response, seconds, {400, 401})

    assert Session.objects.count() == before


def _send(body: str) -> Any:
    return ApiClient().generic("POST", "/passkeys/login", body, content_type="application/json")


@pytest.mark.parametrize(
    "credential", [None, "x", 1, [], {}, {"id": "x"}, {"response": {}}, {"id": "x", "response": 1}]
)
def test_something_else_than_a_credential_is_refused(db: None, credential: object) -> None:
    response, seconds = _timed(lambda: passkey_client.send_assertion(credential))  # type: ignore[arg-type]

    _assert_refused(response, seconds, {400, 401})


def test_a_megabyte_of_cbor_is_too_large(alice_with_passkey: UserWithPasskey) -> None:
    options = passkey_client.sign_in_options()
    credential = alice_with_passkey.authenticator.get(options, extensions=b"\x81" * 1_000_000)

    response, seconds = _timed(lambda: passkey_client.send_assertion(credential))

    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
    assert seconds < MAX_SECONDS
