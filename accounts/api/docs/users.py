"""Documentation of `accounts.api.views.users`."""

from http import HTTPStatus

from accounts.api import recent_proof
from accounts.api.docs import samples, shapes
from accounts.api.serializers.users import NewUserForm, UserChanges, UserQuery
from accounts.exceptions import (
    CannotDemoteSelf,
    EmailTaken,
    InvitationNotNeeded,
    LastAdmin,
    PasswordIncorrect,
    UsernameTaken,
)
from accounts.models import Role
from core.api.exceptions import NotFound
from core.openapi.operation import Operation, parameter
from sessions_tracking.api.docs import SESSION
from sessions_tracking.api.serializers import SessionList

TAG = "Administration"
_USER = samples.ADMINISTERED
_TAKEN = [
    EmailTaken(errors={"email": [EmailTaken.message]}),
    UsernameTaken(errors={"username": [UsernameTaken.message]}),
]
_ID = parameter("id", "path", "The user's id.", example=samples.USER["id"], schema={"type": "string", "format": "uuid"})

LIST = Operation(
    tag=TAG,
    summary="List users",
    name="list_users",
    query=UserQuery,
    data=shapes.UserPage,
    responses={"The only page": {"users": [_USER], "count": 1, "page": 1, "pageSize": 20}},
)

CREATE = Operation(
    tag=TAG,
    summary="Create a user",
    name="create_user",
    request=NewUserForm,
    requests={
        "By invitation": {"email": samples.EMAIL, "username": samples.USERNAME},
        "With a password": {
            "email": samples.EMAIL,
            "username": samples.USERNAME,
            "password": samples.PASSWORD,
            "role": "ADMIN",
            "emailVerified": True,
        },
    },
    status=HTTPStatus.CREATED,
    message="The user has been created.",
    data=shapes.AdministeredData,
    responses={"The user": {"user": _USER | {"emailVerified": False, "lastLoginAt": None}}},
    errors=_TAKEN,
    guard=recent_proof.when(lambda body: body.get("role") == Role.ADMIN),
)

RETRIEVE = Operation(
    tag=TAG,
    summary="Read a user",
    name="read_user",
    parameters=[_ID],
    data=shapes.AdministeredData,
    responses={"The user": {"user": _USER}},
    errors=[NotFound],
)

UPDATE = Operation(
    tag=TAG,
    summary="Change a user",
    name="update_user",
    parameters=[_ID],
    request=UserChanges,
    requests={
        "A role": {"role": "ADMIN"},
        "Deactivation": {"isActive": False, "deactivationReason": "Left the company"},
    },
    message="The user has been changed.",
    data=shapes.AdministeredData,
    responses={"The user, changed": {"user": _USER | {"role": "ADMIN"}}},
    errors=[*_TAKEN, PasswordIncorrect(field="currentPassword"), CannotDemoteSelf, LastAdmin, NotFound],
    guard=recent_proof.BY_SERVICE,
)

DELETE = Operation(
    tag=TAG,
    summary="Delete a user",
    name="delete_user",
    parameters=[_ID],
    message="The user has been deleted.",
    errors=[CannotDemoteSelf, LastAdmin, NotFound],
    guard=recent_proof.ALWAYS,
)

SESSIONS = Operation(
    tag=TAG,
    summary="List a user's sessions",
    name="list_user_sessions",
    parameters=[_ID],
    data=SessionList,
    responses={"One session": {"sessions": [SESSION | {"current": False}]}},
    errors=[NotFound],
)

REVOKE_SESSIONS = Operation(
    tag=TAG,
    summary="Sign a user out everywhere",
    name="revoke_user_sessions",
    parameters=[_ID],
    message="The user has been signed out of all devices.",
    data=shapes.RevokedData,
    responses={"Three sessions ended": {"revoked": 3}},
    errors=[NotFound],
)

INVITE = Operation(
    tag=TAG,
    summary="Invite a user again",
    name="invite_user",
    parameters=[_ID],
    message="The invitation is on its way.",
    errors=[InvitationNotNeeded, NotFound],
)
