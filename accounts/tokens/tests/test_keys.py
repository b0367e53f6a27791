"""Access tokens with asymmetric keys: the newest key signs, all verify, and a token's header never selects the algorithm."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.key_files import key_in, keys_in, rotate
from accounts.tokens.keys import key as signing_key
from accounts.tokens.keys import ring
from accounts.tokens.keys.files import State
from accounts.tokens.keys.key import ALGORITHMS, SigningKey
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _check_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the files on each use, instead of every two seconds."""
    monkeypatch.setattr(ring, "_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(ring, "_RECHECK_SECONDS", 0.0)


@pytest.fixture(params=ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def directory(tmp_path: Path, settings: Settings) -> Path:
    """Create the keys of one rotation and let the server use them."""
    rotate(tmp_path / "keys")
    settings.JWT_PRIVATE_KEYS = [str(tmp_path / "keys")]
    return tmp_path / "keys"


def _pem(private: Any) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return bytes(private.private_bytes(encoding, form, serialization.NoEncryption()))


def _public_pem(key: SigningKey) -> bytes:
    return key.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def _segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _is_rejected(token: str) -> bool:
    response = ApiClient().bearing(token).get("/me")
    return (response.status_code, response.json().get("code")) == (401, "token_invalid")


def _is_accepted(token: str) -> bool:
    return bool(ApiClient().bearing(token).get("/me").status_code == 200)


def test_the_active_key_signs_with_its_algorithm_and_sets_the_kid(
    alice: User, sign_in: SignIn, tmp_path: Path, settings: Settings, algorithm: str
) -> None:
    rotate(tmp_path, "--algorithm", algorithm)
    settings.JWT_PRIVATE_KEYS = [str(tmp_path)]

    signed_in = sign_in(alice)

    header = jwt.get_unverified_header(signed_in.access)
    assert header == {"alg": algorithm, "typ": "JWT", "kid": key_in(tmp_path, State.ACTIVE).key.kid}
    assert signed_in.client.get("/me").status_code == 200


def test_refresh_tokens_are_still_signed_with_the_secret(directory: Path, alice: User, sign_in: SignIn) -> None:
    header = jwt.get_unverified_header(sign_in(alice).refresh)

    assert (header["alg"], "kid" in header) == ("HS256", False)


def test_the_kid_is_the_thumbprint_of_rfc_7638() -> None:
    # The key of RFC 8037, appendix A.1, and its thumbprint, of appendix A.3.
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    pem = _pem(ed25519.Ed25519PrivateKey.from_private_bytes(seed))

    assert signing_key.load(pem).kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_rotation_signs_no_user_out(directory: Path, alice: User, sign_in: SignIn) -> None:
    before = sign_in(alice)

    rotate(directory)
    between = ApiClient().post("/refresh", {"refreshToken": before.refresh}).json()["data"]["tokens"]
    rotate(directory)

    kids = [jwt.get_unverified_header(token)["kid"] for token in (before.access, between["accessToken"])]
    assert len(set(kids)) == 2
    assert _is_accepted(before.access)
    assert _is_accepted(between["accessToken"])
    assert ApiClient().post("/refresh", {"refreshToken": between["refreshToken"]}).status_code == 200
    assert Session.objects.get().revoked_at is None


def test_a_key_signs_only_after_it_was_published(directory: Path, alice: User, sign_in: SignIn, client: Client) -> None:
    for _ in range(3):
        published = {key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]}
        rotate(directory)
        assert jwt.get_unverified_header(sign_in(alice).access)["kid"] in published


def test_tokens_of_a_removed_key_are_rejected(directory: Path, alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)
    rotate(directory)
    assert _is_accepted(signed_in.access)

    key_in(directory, State.RETIRED).path.unlink()

    assert _is_rejected(signed_in.access)
    assert ApiClient().post("/refresh", {"refreshToken": signed_in.refresh}).status_code == 200


def test_a_node_accepts_tokens_of_a_node_that_rotated_earlier(directory: Path, alice: User, sign_in: SignIn) -> None:
    next_key = key_in(directory, State.NEXT).key
    claims = _claims(sign_in(alice).access)

    assert _is_accepted(jwt.encode(claims, next_key.private, next_key.algorithm, {"kid": next_key.kid}))


def test_with_two_files_both_verify_and_the_newer_one_signs(
    tmp_path: Path, alice: User, sign_in: SignIn, settings: Settings
) -> None:
    old, new = tmp_path / "old.pem", tmp_path / "new.pem"
    old.write_bytes(signing_key.generate("RS256"))
    settings.JWT_PRIVATE_KEYS = [str(old)]
    signed_before = sign_in(alice).access
    new.write_bytes(signing_key.generate("ES256"))

    settings.JWT_PRIVATE_KEYS = [str(new), str(old)]

    assert jwt.get_unverified_header(sign_in(alice).access)["alg"] == "ES256"
    assert _is_accepted(signed_before)


def test_turning_asymmetric_keys_on_or_off_requires_a_refresh_and_ends_no_session(
    tmp_path: Path, alice: User, sign_in: SignIn, settings: Settings
) -> None:
    rotate(tmp_path)
    before = sign_in(alice)
    settings.JWT_PRIVATE_KEYS = [str(tmp_path)]
    assert _is_rejected(before.access)
    between = ApiClient().post("/refresh", {"refreshToken": before.refresh}).json()["data"]["tokens"]
    assert _is_accepted(between["accessToken"])

    settings.JWT_PRIVATE_KEYS = []

    assert _is_rejected(between["accessToken"])
    assert ApiClient().post("/refresh", {"refreshToken": between["refreshToken"]}).status_code == 200


def test_a_public_key_is_never_used_as_an_hmac_secret(
    tmp_path: Path, alice: User, sign_in: SignIn, settings: Settings, algorithm: str
) -> None:
    rotate(tmp_path, "--algorithm", algorithm)
    settings.JWT_PRIVATE_KEYS = [str(tmp_path)]
    claims, key = _claims(sign_in(alice).access), key_in(tmp_path, State.ACTIVE).key

    for secret in (_public_pem(key), _public_pem(key).strip(), json.dumps(key.jwk).encode(), key.kid.encode(), b""):
        for header in ({"alg": "HS256", "kid": key.kid}, {"alg": algorithm, "kid": key.kid}, {"alg": "HS256"}):
            signed = f"{_segment(header)}.{_segment(claims)}"
            signature = hmac.digest(secret, signed.encode(), hashlib.sha256)
            assert _is_rejected(f"{signed}.{_segment(signature)}")


def test_with_asymmetric_keys_the_hmac_secret_signs_no_access_token(
    directory: Path, alice: User, sign_in: SignIn, settings: Settings
) -> None:
    claims, kid = _claims(sign_in(alice).access), key_in(directory, State.ACTIVE).key.kid

    for headers in ({}, {"kid": kid}):
        assert _is_rejected(jwt.encode(claims, settings.JWT_SECRET_KEY, "HS256", headers))


@pytest.mark.parametrize(
    "named", ["none", "None", "HS256", "RS256", "ES256", "PS256", "EdDSA ", "eddsa", "", None, ["EdDSA"], 7]
)
def test_the_key_determines_the_algorithm(directory: Path, alice: User, sign_in: SignIn, named: object) -> None:
    token, kid = sign_in(alice).access, key_in(directory, State.ACTIVE).key.kid
    payload, signature = token.split(".")[1:]
    header = _segment({"alg": named, "typ": "JWT", "kid": kid})

    assert _is_rejected(f"{header}.{payload}.")
    assert _is_rejected(f"{header}.{payload}.{signature}")


def test_a_token_with_the_kid_of_another_key_is_rejected(directory: Path, alice: User, sign_in: SignIn) -> None:
    rotate(directory, "--algorithm", "ES256")
    rotate(directory, "--algorithm", "RS256")
    claims, keys = _claims(sign_in(alice).access), [file.key for file in keys_in(directory)]
    assert {key.algorithm for key in keys} == set(ALGORITHMS)

    for key in keys:
        assert _is_accepted(jwt.encode(claims, key.private, key.algorithm, {"kid": key.kid}))
        for other in keys:
            if other is not key:
                assert _is_rejected(jwt.encode(claims, key.private, key.algorithm, {"kid": other.kid}))


@pytest.mark.parametrize(
    "kid",
    [
        None, "", 7, ["a"], {"a": 1}, True, "../../../../dev/null", "/dev/null", "' OR 1=1--", "\0", "\ud800", "a" * 1500,
        "2026-11-21T09-30-00Z-x.active.pem",
    ],
    ids=repr,
)  # fmt: skip
def test_an_unknown_kid_is_rejected(directory: Path, alice: User, sign_in: SignIn, kid: object) -> None:
    signed_in, attacker_key = sign_in(alice), ed25519.Ed25519PrivateKey.generate()
    for private in (attacker_key, key_in(directory, State.ACTIVE).key.private):
        header = _segment({"alg": "EdDSA", "typ": "JWT"} | ({} if kid is None else {"kid": kid}))
        signed = f"{header}.{signed_in.access.split('.')[1]}"
        assert isinstance(private, ed25519.Ed25519PrivateKey)
        assert _is_rejected(f"{signed}.{_segment(private.sign(signed.encode()))}")


@pytest.mark.parametrize("has_server_kid", [True, False])
@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "x5t"])
def test_keys_in_the_token_header_are_ignored(
    directory: Path, alice: User, sign_in: SignIn, name: str, has_server_kid: bool
) -> None:
    attacker_key = signing_key.load(_pem(ed25519.Ed25519PrivateKey.generate()))
    value = attacker_key.jwk if name == "jwk" else "http://127.0.0.1:9/jwks.json"
    kid = key_in(directory, State.ACTIVE).key.kid if has_server_kid else attacker_key.kid

    forged = jwt.encode(_claims(sign_in(alice).access), attacker_key.private, "EdDSA", {name: value, "kid": kid})

    assert _is_rejected(forged)


def test_a_tampered_token_is_rejected(directory: Path, alice: User, sign_in: SignIn) -> None:
    header, _, signature = (token := sign_in(alice).access).split(".")
    payload = _segment(_claims(token) | {"role": "ADMIN"})

    for forged in (signature, signature[:-4], "", signature[::-1]):
        assert _is_rejected(f"{header}.{payload}.{forged}")


def test_an_expired_token_is_reported_as_expired_even_if_cached(directory: Path, alice: User, sign_in: SignIn) -> None:
    token = sign_in(alice).access
    assert _is_accepted(token)

    with time_machine.travel(datetime.fromtimestamp(_claims(token)["exp"], UTC), tick=False):
        assert ApiClient().bearing(token).get("/me").json()["code"] == "token_expired"
    assert _is_accepted(token)
