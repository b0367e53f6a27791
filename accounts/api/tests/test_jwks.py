"""The published key set (JWKS), verified with an independent library."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption
from pytest_django import Settings

from accounts.models import User
from accounts.testing.api_client import SignedIn
from accounts.testing.key_files import keys_in, rotate
from accounts.tokens.keys.key import ALGORITHMS

JWKS = "/.well-known/jwks.json"
# The contract says EdDSA. RFC 9864 deprecates that name in favour of the curve, which few libraries support yet.
pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:EdDSA is deprecated")]
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


@pytest.fixture
def use(tmp_path: Path, settings: Settings) -> Callable[..., Path]:
    """`use("ES256")` makes the server sign with keys of this algorithm."""

    def make(algorithm: str) -> Path:
        rotate(tmp_path, "--algorithm", algorithm)
        settings.JWT_PRIVATE_KEYS = [str(tmp_path)]
        return tmp_path

    return make


def _published(client: Client) -> KeySet:
    return KeySet.import_key_set(client.get(JWKS).json())


@every_algorithm
def test_an_independent_library_verifies_tokens_with_the_published_keys(
    client: Client, use: Callable[..., Path], alice: User, sign_in: Callable[..., SignedIn], algorithm: str
) -> None:
    use(algorithm)
    signed_in = sign_in(alice)

    token = jwt.decode(signed_in.access, _published(client), algorithms=[algorithm])

    expected: ClaimsOption = {"essential": True, "value": "vestibule"}
    registry = jwt.JWTClaimsRegistry(iss=expected, aud=expected, exp={"essential": True}, iat={"essential": True})
    registry.validate(token.claims)
    assert token.header["alg"] == algorithm
    assert (token.claims["sub"], token.claims["sid"]) == (str(alice.id), signed_in.session_id)
    assert (token.claims["username"], token.claims["role"], token.claims["token_type"]) == ("alice", "USER", "access")


@every_algorithm
def test_the_library_rejects_tampered_tokens(
    client: Client, use: Callable[..., Path], alice: User, sign_in: Callable[..., SignedIn], algorithm: str
) -> None:
    use(algorithm)
    header, payload, signature = sign_in(alice).access.split(".")

    with pytest.raises(JoseError):
        jwt.decode(f"{header}.{payload}.{signature[::-1]}", _published(client), algorithms=[algorithm])


def test_the_library_computes_the_same_kids(client: Client, use: Callable[..., Path]) -> None:
    for algorithm in ALGORITHMS:
        use(algorithm)

    published = _published(client)

    assert len(published.keys) == 4
    assert all(key.thumbprint() == key.kid for key in published.keys)


@every_algorithm
def test_public_keys_of_every_state_are_published_without_private_parts(
    client: Client, use: Callable[..., Path], algorithm: str
) -> None:
    directory = use(algorithm)
    rotate(directory)
    use(algorithm)

    keys = client.get(JWKS).json()["keys"]

    names = {"EdDSA": {"crv", "x"}, "ES256": {"crv", "x", "y"}, "RS256": {"n", "e"}}[algorithm]
    assert {key["kid"] for key in keys} <= {file.key.kid for file in keys_in(directory)}
    assert len(keys) >= 3
    assert all(set(key) == {"kty", "use", "alg", "kid"} | names for key in keys)
    assert all((key["use"], key["alg"]) == ("sig", algorithm) for key in keys)


def test_under_hs256_the_set_is_empty(client: Client) -> None:
    assert client.get(JWKS).json() == {"keys": []}


def test_every_origin_may_read_and_cache_the_key_set(client: Client, use: Callable[..., Path]) -> None:
    use("EdDSA")

    response = client.get(JWKS, headers={"Origin": "https://other.example"})

    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response
    assert response["Cache-Control"] == "public, max-age=300"
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert not response.cookies


def test_the_key_set_is_read_only(client: Client) -> None:
    assert client.head(JWKS).status_code == 200
    assert client.get(f"{JWKS}/").status_code == 200
    assert client.post(JWKS).status_code == 405
