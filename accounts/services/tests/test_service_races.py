"""Revocations by services, concurrent with requests of the owners."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import AuditEvent, AuditKind
from accounts.services import service_clients
from accounts.testing.cast import me, refresh, signed_in, someone, tokens_of
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("services")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


def _revoke(token: str) -> ApiRequest:
    client, secret = service_clients.create(name="Billing")
    return ApiRequest("POST", "/revoke", {"token": token, "client_id": str(client.id), "client_secret": secret})


def test_twenty_concurrent_revocations_of_a_token_count_once(server: LiveServer) -> None:
    user = someone()
    tokens = signed_in(server, user)

    responses = server.send_at_once([_revoke(token) for token in (tokens.access, tokens.refresh) * 10])

    assert {response.status for response in responses} == {200}
    assert AuditEvent.objects.filter(kind=AuditKind.SESSION_REVOKED, user_id=user.id).count() == 1
    assert [server.send(me(tokens.access)).code for _ in range(6)] == ["session_revoked"] * 6


def test_tokens_minted_by_a_refresh_racing_a_revocation_are_rejected(server: LiveServer) -> None:
    for _ in range(5):
        tokens = signed_in(server, someone())

        revocation, *responses = server.send_at_once([_revoke(tokens.access), *[refresh(tokens.refresh)] * 6])

        assert revocation.status == 200
        minted = [tokens_of(response) for response in responses if response.status == 200]
        for pair in [tokens, *minted]:
            assert server.send(me(pair.access)).code == "session_revoked"
            assert server.send(refresh(pair.refresh)).code == "session_revoked"


def test_a_logout_is_visible_to_introspection_in_every_process(server: LiveServer) -> None:
    tokens = signed_in(server, someone())
    client, secret = service_clients.create(name="Billing")
    form = {"token": tokens.access, "client_id": str(client.id), "client_secret": secret}
    introspect = ApiRequest("POST", "/introspect", form)
    assert all(response.json["active"] for response in server.send_at_once([introspect] * 8))

    server.send(ApiRequest("POST", "/logout", token=tokens.access))

    assert [response.json for response in server.send_at_once([introspect] * 8)] == [{"active": False}] * 8
