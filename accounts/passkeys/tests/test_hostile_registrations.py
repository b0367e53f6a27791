"""Forged and malformed credentials at POST /passkeys: each is invalid at once, and stores nothing."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest
from pytest_django import Settings

from accounts.passkeys import ceremonies
from accounts.passkeys.challenges import ChallengePurpose
from accounts.passkeys.exceptions import PasskeyInvalid
from accounts.passkeys.models import Passkey, UsedChallenge
from accounts.passkeys.testing.authenticator import VERIFIED, Flags, Json, decode, encode
from accounts.passkeys.testing.keys import EdDsaKey, Es256Key, Rs256Key
from accounts.passkeys.testing.passkey_client import new_authenticator, register, registration_options
from accounts.testing.api_client import SignedIn

ANDROID_ORIGIN = "android:apk-key-hash:sYUC8p5I9SxqFernBPHmDxz_YVZXmVJdW8S-mX3RTTo"
MAX_SECONDS = 0.3
ES256_KEY, RSA_KEY = Es256Key().to_cose(), Rs256Key().to_cose()
FORGED: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://evil.example"},
    "an origin that begins like ours": {"origin": "http://localhost:8000.evil.example"},
    "another port": {"origin": "http://localhost:8001"},
    "no origin": {"origin": "null"},
    "an Android app that is not listed": {"origin": ANDROID_ORIGIN},
    "a frame of another site": {"cross_origin": True},
    "a frame below another site": {"top_origin": "https://evil.example"},
    "the type of an assertion": {"type": "webauthn.get"},
    "another challenge": {"challenge": bytes(56)},
    "an empty challenge": {"challenge": b""},
    "the RP ID of another site": {"rp_id": "evil.example"},
    "no user present": {"flags": Flags.UV},
    "backed up without being eligible": {"flags": VERIFIED | Flags.BS},
    "an algorithm that was not offered": {"alg": -47},
    "the algorithm of another key type": {"alg": -257},
    "no algorithm": {"public_key": cbor2.dumps({key: value for key, value in ES256_KEY.items() if key != 3})},
    "a point that is not on the curve": {"public_key": cbor2.dumps(ES256_KEY | {-2: bytes(32)})},
    "a coordinate that is text": {"public_key": cbor2.dumps(ES256_KEY | {-2: "x" * 32})},
    "another curve": {"public_key": cbor2.dumps(ES256_KEY | {-1: 3})},
    "a short Ed25519 key": {"public_key": cbor2.dumps(EdDsaKey().to_cose() | {-2: bytes(31)})},
    "an RSA key of 512 bits": {"public_key": cbor2.dumps(RSA_KEY | {-1: b"\xff" * 64})},
    "an RSA key of 16384 bits": {"public_key": cbor2.dumps(RSA_KEY | {-1: b"\xff" * 2048})},
    "a huge RSA exponent": {"public_key": cbor2.dumps(RSA_KEY | {-2: b"\xff" * 256})},
    "a key that is a list": {"public_key": cbor2.dumps([1, 2])},
    "a key that is the bare point of U2F": {"public_key": b"\x04" + bytes(64)},
    "a key that is a tag": {"public_key": b"\xd8\x23\x64(a+)"},
    "a key nested deeply": {"public_key": b"\x81" * 2000 + b"\x00"},
    "a key that claims 2^63 bytes": {"public_key": b"\x5b\x7f" + b"\xff" * 7},
    "bytes after the key": {"trailing": b"\x00"},
    "a second key after the key": {"trailing": cbor2.dumps(ES256_KEY)},
    "bytes after the extensions": {"extensions": cbor2.dumps({}), "trailing": b"\x00"},
    "extensions that are missing": {"flags": VERIFIED | Flags.ED},
    "an empty credential id": {"authenticator_data": bytes(32) + b"\x45" + bytes(4) + bytes(16) + b"\x00\x00\xa0"},
    "no authenticator data": {"authenticator_data": b""},
    "authenticator data without a credential": {"authenticator_data": bytes(32) + b"\x05" + bytes(4)},
    "an attestation object that is no map": {"attestation_object": b"\x80"},
    "an attestation object without data": {"attestation_object": cbor2.dumps({"fmt": "none", "attStmt": {}})},
    "authenticator data that are text": {"attestation_object": cbor2.dumps({"fmt": "none", "authData": "x"})},
    "one key twice": {"attestation_object": b"\xa2\x68authData\x40\x68authData\x40"},
    "60 KB of nested lists": {"attestation_object": b"\x81" * 40_000},
    "60 KB of zeros": {"attestation_object": b"\x9a\x00\x00\x9c\x40" + bytes(40_000)},
    "a regular expression": {"attestation_object": b"\xd8\x23\x78\x1e" + b"(a+)+$" * 5},
    "client data that are no JSON": {"client_data": b"{"},
    "client data that are a list": {"client_data": b"[]"},
    "client data in UTF-16": {"client_data": '{"type": "webauthn.create"}'.encode("utf-16")},
    "client data nested deeply": {"client_data": b'{"a":' * 5000 + b"1" + b"}" * 5000},
    "client data of numbers": {"client_data": b'{"type": 1, "challenge": 2, "origin": 3}'},
}
RESPONSE_FIELDS = ("clientDataJSON", "attestationObject")
ODD_VALUES: tuple[Any, ...] = (None, 1, True, [], {}, "", "=", "A", "AA==", "a b", "é", "A" * 50_000)


def _is_refused(response: Any) -> bool:
    """A credential that is too large or no object is refused as a field, before it is verified."""
    return (response.status_code, response.json()["code"]) in {(400, "passkey_invalid"), (400, "validation_error")}


@pytest.fixture
def nothing_stored(db: None) -> Iterator[None]:
    yield
    assert not Passkey.objects.exists()
    assert not UsedChallenge.objects.exists()


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_credential_is_invalid_at_once(signed_in: SignedIn, forged: dict[str, Any]) -> None:
    options = registration_options(signed_in)
    credential = new_authenticator(flags=VERIFIED).create(options, **forged)
    started = time.perf_counter()

    response = signed_in.client.post("/passkeys", {"credential": credential})

    assert _is_refused(response)
    assert time.perf_counter() - started < MAX_SECONDS


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("field", ["id", "rawId", "type", "response", *RESPONSE_FIELDS])
def test_a_field_of_the_wrong_type_is_invalid(signed_in: SignedIn, field: str) -> None:
    options = registration_options(signed_in)
    for value in (*ODD_VALUES, ...):
        credential = new_authenticator().create(options)
        target: Json = credential["response"] if field in RESPONSE_FIELDS else credential
        if value is ...:
            del target[field]
        else:
            target[field] = value

        assert _is_refused(signed_in.client.post("/passkeys", {"credential": credential})), value


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("credential", [None, [], "x", 1, True, {}])
def test_a_credential_that_is_no_object_is_invalid(signed_in: SignedIn, credential: object) -> None:
    assert _is_refused(signed_in.client.post("/passkeys", {"credential": credential}))


@pytest.mark.usefixtures("nothing_stored")
def test_the_credential_id_is_that_of_the_authenticator_data(signed_in: SignedIn) -> None:
    credential = new_authenticator().create(registration_options(signed_in))
    credential["id"] = credential["rawId"] = encode(b"another passkey")

    assert signed_in.client.post("/passkeys", {"credential": credential}).json()["code"] == "passkey_invalid"


@pytest.mark.parametrize(("size", "status"), [(1, 201), (1023, 201), (1024, 400)])
def test_a_credential_id_has_at_most_1023_bytes(signed_in: SignedIn, size: int, status: int) -> None:
    assert register(signed_in, new_authenticator(), credential_id=b"i" * size).status_code == status

    assert Passkey.objects.filter(credential_id=b"i" * size).exists() == (status == 201)


def test_the_app_of_a_listed_certificate_may_add_a_passkey(signed_in: SignedIn, settings: Settings) -> None:
    settings.WEBAUTHN_ORIGINS = [*settings.WEBAUTHN_ORIGINS, ANDROID_ORIGIN]

    assert register(signed_in, new_authenticator(), origin=ANDROID_ORIGIN).status_code == 201


def test_extensions_in_the_authenticator_data_are_accepted(signed_in: SignedIn) -> None:
    extensions = cbor2.dumps({"credProtect": 2, "hmac-secret": True, "uvm": [[2, 4, 2]]})

    assert register(signed_in, new_authenticator(), extensions=extensions).status_code == 201


def test_an_attestation_statement_is_not_trusted_and_not_parsed(signed_in: SignedIn) -> None:
    """Authenticators of companies send one unasked. A certificate in it would only be more input to parse."""
    credential = new_authenticator().create(options := registration_options(signed_in))
    data = cbor2.loads(decode(credential["response"]["attestationObject"]))["authData"]
    statement = {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x", "x5c": [b"garbage"]}, "authData": data}
    credential["response"]["attestationObject"] = encode(cbor2.dumps(statement))

    assert options["attestation"] == "none"
    assert signed_in.client.post("/passkeys", {"credential": credential}).status_code == 201


@pytest.mark.parametrize("make", [lambda: b"\x81" * 1_000_000, lambda: b"\x9a\x00\x0f\x42\x40" + bytes(1_000_000)])
def test_a_megabyte_of_garbage_is_invalid_at_once(signed_in: SignedIn, make: Callable[[], bytes]) -> None:
    """The API refuses such a body by its size; the check does not depend on that."""
    options = registration_options(signed_in)
    credential = new_authenticator().create(options, attestation_object=make())
    started = time.perf_counter()

    with pytest.raises(PasskeyInvalid):
        ceremonies.verify_registration(credential, purpose=ChallengePurpose.REGISTRATION, binding=signed_in.session_id)

    assert time.perf_counter() - started < MAX_SECONDS
