"""Service clients: authentication, and how their secrets are created and stored."""

import base64
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import ServiceClient, User
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.service_client import FORM, Service, basic, make_service, post_form

SignIn = Callable[..., SignedIn]
pytestmark = pytest.mark.django_db
PATHS = ["/introspect", "/revoke"]


@pytest.fixture
def billing(db: None) -> Service:
    return make_service()


def _is_rejected(response: Any) -> bool:
    body = response.json()
    message = (body["success"], body["code"], body["error"]) == (False, "invalid_client", "invalid_client")
    return message and (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer, Basic realm="vestibule"')


def test_the_command_prints_id_and_secret_and_stores_a_hash() -> None:
    output = io.StringIO()

    call_command("create_service_client", "Billing", stdout=output, stderr=io.StringIO())

    message = dict(line.split(":") for line in output.getvalue().splitlines())
    client_id, secret = message["client_id"].strip(), message["client_secret"].strip()
    client = ServiceClient.objects.get()
    assert (str(client.id), client.name, client.is_active) == (client_id, "Billing", True)
    assert len(secret) == 43  # 256 bits
    assert secret not in str(ServiceClient.objects.values())
    assert post_form("/introspect", {"token": "x"}, Authorization=basic(client_id, secret)).status_code == 200


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_the_command_rejects_an_invalid_name(name: str) -> None:
    with pytest.raises(CommandError):
        call_command("create_service_client", name)

    assert not ServiceClient.objects.exists()


def test_secrets_and_their_hashes_are_unique() -> None:
    services = [make_service() for _ in range(20)]

    assert (
        len({service.secret for service in services}) == len({service.client.secret_hash for service in services}) == 20
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_client_authenticates_in_the_header_or_in_the_body(billing: Service, path: str) -> None:
    in_body = {"token": "x", "client_id": str(billing.client.id), "client_secret": billing.secret}

    assert post_form(path, {"token": "x"}, Authorization=billing.basic).status_code == 200
    assert post_form(path, in_body).status_code == 200
    assert ApiClient().post(path, in_body).status_code == 200  # as JSON


def test_credentials_in_the_header_are_form_encoded_as_in_oauth(billing: Service) -> None:
    encoded = str(billing.client.id).replace("-", "%2D")

    assert post_form("/introspect", {"token": "x"}, Authorization=basic(encoded, billing.secret)).status_code == 200
    assert (
        post_form("/introspect", {"token": "x"}, Authorization=billing.basic.replace("Basic", "bAsIc")).status_code
        == 200
    )


@pytest.mark.parametrize("path", PATHS)
def test_invalid_credentials_are_all_rejected_alike(billing: Service, path: str) -> None:
    other, own_id = make_service(), str(billing.client.id)
    for credentials in (
        basic(own_id, "wrong"), basic(own_id, ""), basic(own_id, other.secret), basic(str(other.client.id), billing.secret),
        basic("unknown", billing.secret), basic("00000000-0000-7000-8000-000000000000", billing.secret), basic("", ""),
        basic(own_id, billing.secret + "\0"), basic(own_id, billing.client.secret_hash), "Basic", "Basic ", "Basic %%%",
        "Basic YQ==",
        f"Bearer {billing.secret}", f"Basic {billing.secret}", "Basic " + base64.b64encode(b"\xff:\xff").decode(), "", "\xff",
        "Basic " + "QQ" * 4000,
    ):  # fmt: skip
        assert _is_rejected(post_form(path, {"token": "x"}, Authorization=credentials)), credentials
    assert _is_rejected(post_form(path, {"token": "x"}))
    assert _is_rejected(post_form(path, {"token": "x", "client_id": own_id}))
    assert _is_rejected(post_form(path, {"token": "x", "client_id": own_id, "client_secret": "wrong"}))


def test_the_token_of_a_user_does_not_authenticate_a_service(alice: User, sign_in: SignIn) -> None:
    signed_in, api = sign_in(alice), ApiClient()
    api.cookies["jwt"] = signed_in.access

    for path in PATHS:
        assert _is_rejected(api.post(path, {"token": signed_in.access}))
        assert _is_rejected(signed_in.client.post(path, {"token": signed_in.access}))


def test_credentials_in_both_header_and_body_are_an_invalid_request(billing: Service) -> None:
    response = billing.send("/introspect", token="x", client_id=str(billing.client.id), client_secret=billing.secret)

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert response.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "body",
    ["", "token=", "tokn=x", "token=%00", "token=x&token=y", "token=%ff", "token=x&" + "a=b&" * 101, "token=%ed%a0%80"],
)
def test_an_invalid_form_is_an_invalid_request(billing: Service, body: str) -> None:
    response = post_form("/introspect", body, Authorization=billing.basic)

    assert (response.status_code, response.json()["error"], response.json()["success"]) == (
        400,
        "invalid_request",
        False,
    )
    assert response.json()["code"] in {"validation_error", "parse_error"}
    assert response.json()["error_description"].isascii()


def test_forms_have_the_size_limit_of_json(billing: Service) -> None:
    def code(body: str = "token=x", kind: str = FORM, **headers: str) -> str:
        sent = {"Authorization": billing.basic} | headers
        return str(ApiClient().generic("POST", "/introspect", body, content_type=kind, headers=sent).json()["code"])

    assert code("token=" + "x" * 65_536) == "payload_too_large"
    assert code(**{"Content-Encoding": "gzip"}) == "unsupported_media_type"
    for kind in (f"{FORM}; charset=utf-16", "multipart/form-data; boundary=x", "text/plain"):
        assert code(kind=kind) == "unsupported_media_type"


def test_other_endpoints_reject_forms(alice: User) -> None:
    assert post_form("/login", {"username": "alice", "password": "x"}).status_code == 415


def test_a_token_in_the_query_is_ignored(billing: Service) -> None:
    response = post_form("/introspect?token=x", {}, Authorization=billing.basic)

    assert (response.status_code, list(response.json()["errors"])) == (400, ["token"])
    assert ApiClient().get("/introspect?token=x").status_code == 405


def test_a_deactivated_client_is_rejected_immediately(billing: Service) -> None:
    assert billing.send("/introspect", token="x").status_code == 200

    ServiceClient.objects.update(is_active=False)

    assert _is_rejected(billing.send("/introspect", token="x"))


def test_the_last_use_is_saved_at_most_once_an_hour(billing: Service) -> None:
    billing.introspect("x")
    first = ServiceClient.objects.get().last_used_at

    with CaptureQueriesContext(connection) as queries:
        billing.introspect("x")
    assert [query["sql"].split()[0] for query in queries.captured_queries] == ["SELECT"]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        billing.introspect("x")

    second = ServiceClient.objects.get().last_used_at
    assert first is not None
    assert second is not None
    assert second > first + timedelta(hours=1)


def test_a_wrong_secret_does_not_count_as_a_use(billing: Service) -> None:
    post_form("/introspect", {"token": "x"}, Authorization=basic(str(billing.client.id), "wrong"))

    assert ServiceClient.objects.get().last_used_at is None


def test_guesses_are_rate_limited_and_valid_credentials_are_not(billing: Service, limits_on: Settings) -> None:
    responses = [post_form("/introspect", {"token": "x"}, Authorization=basic("unknown", "x")) for _ in range(61)]

    assert [response.status_code for response in responses] == [401] * 60 + [429]
    assert (responses[-1].json()["code"], responses[-1].json()["error"]) == ("rate_limited", "temporarily_unavailable")
    assert responses[-1]["Retry-After"]
    assert billing.introspect("x") == {"active": False}


def test_the_admin_shows_no_secret_and_deactivates_a_client(billing: Service, superuser: User, client: Client) -> None:
    client.force_login(superuser)
    base = "/admin/accounts/serviceclient/"

    pages = client.get(base).content + client.get(f"{base}{billing.client.id}/change/").content
    assert b"Billing" in pages
    assert str(billing.client.id).encode() in pages
    assert billing.client.secret_hash.encode() not in pages
    assert client.get(f"{base}add/").status_code == 403
    client.post(f"{base}{billing.client.id}/change/", {"name": "Billing"})

    assert _is_rejected(billing.send("/introspect", token="x"))
