"""`requires(…)`: DRF views of this deployment ask for an assurance level and a recent authentication."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import path
from pytest_django import Settings
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from accounts.api.permissions import IsAdmin, requires
from accounts.models import Role, User
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.authentication_context import age_authentication, step_up
from accounts.testing.query_counter import Measure, Work
from accounts.testing.second_factor import enrol
from config import urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

SignIn = Callable[..., SignedIn]
FIVE_MINUTES = timedelta(minutes=5)
_RECENT, _STRONG = requires(max_age=FIVE_MINUTES), requires(acr="aal2")
_BEARER = 'Bearer error="insufficient_user_authentication"'


class _Deny(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return False


def _view(*permissions: Any) -> Any:
    class View(APIView):
        permission_classes = list(permissions)

        def get(self, request: Request) -> Response:
            return Response({"success": True})

    return View.as_view()


@api_view(["GET"])
@permission_classes([requires(acr="aal2", max_age=FIVE_MINUTES)])
def _function_view(_request: Request) -> Response:
    return Response({"success": True})


class _Payments(ViewSet):
    def list(self, _request: Request) -> Response:
        return Response({"success": True})

    @action(detail=False, permission_classes=[_STRONG])
    def export(self, _request: Request) -> Response:
        return Response({"success": True})


_COMBINED = {
    "either": IsAdmin | _STRONG, "either-reversed": _STRONG | IsAdmin, "nested": IsAdmin | (IsAuthenticated & _STRONG),
    "deny-or": _Deny | _STRONG, "both": _STRONG & _RECENT, "both-with-admin": IsAdmin & _STRONG, "neither": _Deny & _STRONG,
}  # fmt: skip
urlpatterns = [
    path("api/strong", _view(_STRONG)),
    path("api/recent", _view(_RECENT)),
    path("api/function", _function_view),
    path("api/payments", _Payments.as_view({"get": "list"})),
    path("api/payments/export", _Payments.as_view({"get": "export"}, **_Payments.export.kwargs)),
    *(path(f"api/{name}", _view(permission)) for name, permission in _COMBINED.items()),
    *urls.urlpatterns,
]


def _get(signed_in: SignedIn, name: str) -> Any:
    return signed_in.client.get(f"/api/{name}")


def _codes(signed_in: SignedIn, *names: str) -> list[str]:
    bodies = [_get(signed_in, name).json() for name in names]
    return ["ok" if body["success"] else body["code"] for body in bodies]


def test_a_session_below_the_level_gets_the_challenge_until_it_steps_up(signed_in: SignedIn) -> None:
    response = _get(signed_in, "strong")

    assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")
    assert response["WWW-Authenticate"] == f'{_BEARER}, acr_values="aal2"'
    step_up(signed_in)
    assert _codes(signed_in, "strong") == ["ok"]


def test_an_old_authentication_gets_the_challenge_until_it_is_renewed(signed_in: SignedIn) -> None:
    assert _codes(signed_in, "recent") == ["ok"]
    age_authentication(signed_in)

    response = _get(signed_in, "recent")

    assert (response.status_code, response["WWW-Authenticate"]) == (401, f'{_BEARER}, max_age="300"')
    step_up(signed_in, "pwd", acr="aal1")
    assert _codes(signed_in, "recent", "strong") == ["ok", "reauthentication_required"]


@pytest.mark.parametrize("name", ["strong", "recent", "function", "payments/export", *_COMBINED])
def test_a_request_without_a_token_must_sign_in_first(api: ApiClient, db: None, name: str) -> None:
    response = api.get(f"/api/{name}")

    assert (response.status_code, response.json()["code"]) == (401, "authentication_required")
    assert response["WWW-Authenticate"] == "Bearer"


def test_function_views_and_methods_of_view_sets_take_it_too(signed_in: SignedIn) -> None:
    assert _codes(signed_in, "function", "payments/export", "payments") == ["reauthentication_required"] * 2 + ["ok"]
    step_up(signed_in)

    assert _codes(signed_in, "function", "payments/export") == ["ok", "ok"]
    age_authentication(signed_in)
    assert _codes(signed_in, "function", "payments/export") == ["reauthentication_required", "ok"]


def test_either_of_two_permissions_suffices_if_the_requirement_is_the_last(
    signed_in: SignedIn, admin: User, sign_in: SignIn
) -> None:
    assert _codes(sign_in(admin), "either", "nested") == ["ok"] * 2  # an administrator needs no step-up here
    assert _codes(signed_in, "either", "nested", "deny-or") == ["reauthentication_required"] * 3
    step_up(signed_in)
    assert _codes(signed_in, "either", "nested", "deny-or") == ["ok"] * 3


def test_the_error_of_a_requirement_wins_over_a_later_permission(admin: User, sign_in: SignIn) -> None:
    session = sign_in(admin)

    assert _codes(session, "either-reversed") == ["reauthentication_required"]
    step_up(session)
    assert _codes(session, "either-reversed") == ["ok"]


def test_both_of_two_permissions_are_needed(signed_in: SignedIn, admin: User, sign_in: SignIn) -> None:
    step_up(signed_in)

    assert _codes(signed_in, "both", "both-with-admin", "neither") == ["ok", "permission_denied", "permission_denied"]
    age_authentication(signed_in)
    assert _codes(signed_in, "both") == ["reauthentication_required"]
    assert _codes(sign_in(admin), "both-with-admin") == ["reauthentication_required"]


def test_the_session_decides_and_not_the_role_of_a_user_with_a_second_factor(alice: User, sign_in: SignIn) -> None:
    """Another session of the user stays where it was when one of them adds a factor."""
    other = sign_in(alice)
    enrolled = enrol(sign_in(alice))

    assert _codes(enrolled.session, "strong") == ["ok"]
    assert _codes(other, "strong") == ["reauthentication_required"]


def test_it_costs_one_redis_command_and_no_sql(signed_in: SignedIn, measure: Measure) -> None:
    _get(signed_in, "payments")

    assert measure(lambda: _get(signed_in, "strong")) == Work(redis=[["GET"]])
    assert measure(lambda: _get(signed_in, "recent")) == Work(redis=[["GET"]])


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"acr": "aal3"},
        {"acr": ""},
        {"acr": "AAL2"},
        {"max_age": timedelta(seconds=-1)},
        {"acr": None, "max_age": None},
    ],
)
def test_an_invalid_requirement_fails_when_the_view_is_defined(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"acr|max_age"):
        requires(**arguments)


@pytest.mark.parametrize("max_age", [300, "5m", 1.5, True])
def test_an_age_that_is_no_timedelta_fails_when_the_view_is_defined(max_age: Any) -> None:
    with pytest.raises(TypeError):
        requires(max_age=max_age)


def test_require_admin_mfa_still_asks_administrators_for_a_second_factor(
    admin: User, sign_in: SignIn, settings: Settings
) -> None:
    settings.REQUIRE_ADMIN_MFA = True
    assert admin.role == Role.ADMIN

    assert _codes(sign_in(admin), "both-with-admin") == ["mfa_required"]
