"""Key rotations under a running server of two processes: no user is signed out, and no process needs a restart."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from joserfc import jwt as independent
from joserfc.jwk import KeySet
from pytest_django import DjangoDbBlocker

from accounts.testing.cast import me, refresh, signed_in, someone, tokens_of
from accounts.testing.key_files import key_in, rotate
from accounts.tokens.keys.files import State
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer

_RELOAD_SECONDS = 10


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    rotate(directory, "--algorithm", "ES256")
    return directory


@pytest.fixture(scope="module")
def server(
    directory: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("rotation")
    keys = {"JWT_PRIVATE_KEYS": str(directory)}
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder, **keys) as running:
        yield running


def _published(server: LiveServer) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/.well-known/jwks.json", timeout=10) as response:
        return json.loads(response.read())


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_an_independent_library_verifies_access_tokens(server: LiveServer) -> None:
    user = someone()

    token = independent.decode(
        signed_in(server, user).access, KeySet.import_key_set(_published(server)), algorithms=["ES256"]
    )

    assert token.claims["sub"] == str(user.id)


def _is_published_by_all(server: LiveServer, kid: str) -> bool:
    """Return whether ten requests, which both processes serve, all return the key."""
    return all(kid in {key["kid"] for key in _published(server)["keys"]} for _ in range(10))


def test_rotations_under_traffic_reject_no_request(server: LiveServer, directory: Path) -> None:
    first = latest = signed_in(server, someone())
    tokens, kids = [first.access], {_kid(first.access)}
    for _ in range(2):
        signing, deadline = key_in(directory, State.NEXT).key.kid, time.monotonic() + _RELOAD_SECONDS
        while not _is_published_by_all(server, signing):
            assert time.monotonic() < deadline, "the next key was not published"
        rotate(directory)
        while _kid(latest.access) != signing:
            assert time.monotonic() < deadline, "no process signs with the next key"
            responses = server.send_at_once([refresh(latest.refresh), *[me(token) for token in tokens[-4:]]])
            assert [response.status for response in responses] == [200] * len(responses)
            latest = tokens_of(responses[0])
            tokens.append(latest.access)
        kids.add(signing)

    responses = [server.send(me(token)) for token in tokens[:3] + tokens[-3:]]
    assert {response.status for response in responses} == {200}
    assert len(kids) == 3
    assert kids <= {_kid(token) for token in tokens}


def test_forward_auth_accepts_tokens_of_every_key(server: LiveServer, directory: Path) -> None:
    before = signed_in(server, someone()).access
    rotate(directory)

    response = server.send(ApiRequest("GET", "/forward-auth", token=before))

    assert (response.status, response.headers["X-Auth-Role"]) == (200, "USER")
    assert response.json == {"success": True}


def test_every_process_rejects_the_tokens_of_a_removed_key(server: LiveServer, directory: Path) -> None:
    tokens = signed_in(server, someone())
    rotate(directory)
    assert server.send(me(tokens.access)).status == 200

    next(path for path in directory.iterdir() if _kid(tokens.access) in path.name).unlink()

    deadline = time.monotonic() + _RELOAD_SECONDS
    while {response.code for response in server.send_at_once([me(tokens.access)] * 8)} != {"token_invalid"}:
        assert time.monotonic() < deadline, "a process still accepts the token"
    assert server.send(refresh(tokens.refresh)).status == 200
