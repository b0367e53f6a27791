"""Documentation of `accounts.api.views.me`."""

from dataclasses import replace

from accounts.api import recent_proof
from accounts.api.docs import samples, shapes
from accounts.api.presenters.export import ExportedData
from accounts.api.serializers.forms import OwnProfileForm, PageQuery, PasswordForm
from accounts.exceptions import LastAdmin, PasswordIncorrect, UsernameTaken
from core.openapi.operation import CLEARS_COOKIES, Operation
from sessions_tracking.api.docs import SESSION

TAG = "Account"
ME = Operation(
    tag=TAG,
    summary="Read your account",
    data=shapes.MeData,
    responses={"You and your sessions": {"user": samples.PROFILE | {"sessions": [SESSION]}}},
)

UPDATE = Operation(
    tag=TAG,
    summary="Change your account",
    request=OwnProfileForm,
    requests={
        "Another name": {"firstName": "Alicia"},
        "French emails": {"language": "fr"},
        "Another username": {"username": "alicia"},
        "No sign-in by emailed code": {"loginCodes": False},
    },
    message="Your profile has been updated.",
    data=shapes.ProfileData,
    responses={"You, changed": {"user": samples.PROFILE | {"firstName": "Alicia"}}},
    errors=[UsernameTaken(errors={"username": [UsernameTaken.message]})],
    guard=recent_proof.when(lambda body: "loginCodes" in body),
)

DELETE = Operation(
    tag=TAG,
    summary="Delete your account",
    request=PasswordForm,
    requests={"Your password": {"password": samples.PASSWORD}},
    message="Your account has been deleted.",
    headers=CLEARS_COOKIES,
    errors=[PasswordIncorrect(field="password"), LastAdmin],
    is_limited=True,
    guard=recent_proof.BY_SERVICE,
)

EXPORT = Operation(
    tag=TAG,
    summary="Export your data",
    is_limited=True,
    data=ExportedData,
    responses={"All data": samples.EXPORT},
    guard=recent_proof.ALWAYS,
)

ACTIVITY = Operation(
    tag=TAG,
    summary="Read your account's activity",
    name="read_activity",
    query=PageQuery,
    data=shapes.EventPage,
    responses={"One sign-in": {"events": [samples.EVENT], "count": 1, "page": 1, "pageSize": 20}},
)

PROFILE = replace(ME, summary="Read your account, as /me")
UPDATE_PROFILE = replace(UPDATE, summary="Change your account, as /me")
DELETE_PROFILE = replace(DELETE, summary="Delete your account, as /me")
