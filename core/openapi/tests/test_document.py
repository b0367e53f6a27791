"""The OpenAPI document is valid and complete, has correct samples, and is shown by the reader pages."""

import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from core.api.exceptions import ApiError, MethodNotAllowed
from core.openapi.tests.openapi_reader import Documented, operations, validator
from core.openapi.views import document

every_operation = pytest.mark.parametrize(
    "operation", operations(), ids=lambda operation: operation.spec["operationId"]
)
every_reader = pytest.mark.parametrize("path", ["/api/docs", "/api/redoc"])


def test_the_document_is_valid_and_without_warnings() -> None:
    written = StringIO()

    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)

    assert yaml.safe_load(written.getvalue())["openapi"].startswith("3.1.")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_the_document_is_served_as_json(client: Client, accept: str, media_type: str) -> None:
    response = client.get("/api/schema", headers={"Accept": accept})

    assert response["Content-Type"] == media_type
    assert json.loads(response.content) == document()


@pytest.mark.parametrize(
    ("query", "accept"), [("", "application/vnd.oai.openapi"), ("?format=yaml", "*/*"), ("", "application/yaml")]
)
def test_the_document_is_served_as_yaml_on_request(client: Client, query: str, accept: str) -> None:
    response = client.get(f"/api/schema{query}", headers={"Accept": accept})

    assert yaml.safe_load(response.content)["paths"] == document()["paths"]


def test_the_document_is_always_english(client: Client) -> None:
    document.cache_clear()

    client.get("/api/schema", headers={"Accept-Language": "fr"})

    assert "Sign in first." in json.dumps(document())


def test_the_document_contains_every_api_path() -> None:
    included: Any = [entry for entry in get_resolver().url_patterns if str(entry.pattern) == "api/auth/"]
    routes = [route for entry in included for route in entry.url_patterns]
    routed = {re.sub(r"\(\?P<\w+>.*?\)", "{id}", str(route.pattern)).strip("^/?$") for route in routes}

    assert {operation.path.removeprefix("/api/auth/") for operation in operations()} == routed


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation.spec["operationId"] for operation in operations()]

    assert len(set(names)) == len(names)


@every_operation
def test_an_operation_is_described(operation: Documented) -> None:
    tags = {tag["name"] for tag in document()["tags"]}

    assert operation.spec["summary"]
    assert operation.spec["description"]
    assert set(operation.spec["tags"]) <= tags


@every_operation
def test_each_body_of_an_operation_has_a_valid_sample(operation: Documented) -> None:
    for _of, content in operation.contents():
        assert content["examples"]
        for sample in content["examples"].values():
            validator(content["schema"]).validate(sample["value"])


@every_operation
def test_each_error_code_has_its_sample(operation: Documented) -> None:
    for status, content in operation.contents():
        if status.isdigit() and int(status) >= 400:
            codes = content["schema"]["allOf"][1]["properties"]["code"]["enum"]
            assert list(content["examples"]) == codes


@every_operation
def test_an_operation_says_how_to_authenticate(operation: Documented) -> None:
    ways = operation.spec.get("security", [])
    named = [name for way in ways for name in way]

    assert set(named) <= set(document()["components"]["securitySchemes"])
    assert operation.is_protected == (named == ["bearerAuth", "cookieAuth"] and {} not in ways)
    assert named or "authentication_required" not in _codes(operation)


def _codes(operation: Documented) -> set[str]:
    return {code for status, content in operation.contents() if status != "request" for code in content["examples"]}


def _error_classes(base: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    for error in base.__subclasses__():
        yield error
        yield from _error_classes(error)


def test_each_error_class_is_a_documented_response() -> None:
    documented_errors = {
        (int(status), code)
        for operation in operations()
        for status, content in operation.contents()
        if status.isdigit()
        for code in content["examples"]
    }
    raised = {(int(error.status), error.code) for error in _error_classes() if "code" in vars(error)}

    # What has the method cannot lack it, and only the admin writes to people on request.
    assert raised - documented_errors == {(405, MethodNotAllowed.code), (400, "nobody_to_write_to")}
    assert MethodNotAllowed.code in document()["info"]["description"]


@every_reader
def test_an_api_reader_has_no_inline_script_and_no_external_url(client: Client, path: str) -> None:
    response = client.get(path)
    policy = dict(line.split(" ", 1) for line in response["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|https?://", response.content.decode())


@every_reader
def test_every_file_referenced_by_an_api_reader_exists(client: Client, path: str) -> None:
    names = re.findall(r'(?:src|href)="/static/([^"]+)"', client.get(path).content.decode())

    assert len(names) >= 4
    assert all(finders.find(name) for name in names)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/", "/api/redoc/"])
def test_a_trailing_slash_makes_no_difference(client: Client, path: str) -> None:
    assert client.get(path).content == client.get(path.rstrip("/")).content
