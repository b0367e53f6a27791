"""Responses conform to the OpenAPI document, for valid and invalid requests generated from it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, settings
from schemathesis import Case as AnyCase
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.testing.api_client import SignedIn
from config.wsgi import application
from core.openapi.tests.openapi_reader import closed, operations
from core.openapi.views import document

Case = AnyCase[Any]
pytestmark = pytest.mark.django_db

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ALIASES = ["/api/auth/profile", "/api/auth/refresh-token"]
PROTECTED = [documented.spec["operationId"] for documented in operations() if documented.is_protected]
CONFIG = SchemathesisConfig.from_dict({"phases": {"coverage": {"unexpected-methods": []}}})
bounded = settings(
    max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

api = schemathesis.openapi.from_dict(closed(document()), config=CONFIG).exclude(path=ALIASES)
api.app = application
for_all, for_members = api.exclude(operation_id=PROTECTED), api.include(operation_id=PROTECTED)


@contextmanager
def connection_kept() -> Iterator[None]:
    """Keep the connection open within a test's transaction, as Django's test client does: a request would close it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back the changes of one request, so that no other request depends on them."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def assert_conforms(case: Case, token: str | None = None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with rolled_back(), connection_kept():
        case.call_and_validate(base_url="http://localhost", headers=headers, checks=CHECKS)


@pytest.fixture
def administrator(alice: Any, sign_in: Callable[..., SignedIn]) -> SignedIn:
    alice.role = "ADMIN"
    alice.save()
    return sign_in(alice)


@for_all.parametrize()
@bounded
def test_public_operations_respond_as_documented(case: Case, alice: object, bob: object) -> None:
    assert_conforms(case)


@for_members.parametrize()
@bounded
def test_protected_operations_respond_as_documented(case: Case, administrator: SignedIn) -> None:
    assert_conforms(case, administrator.access)
