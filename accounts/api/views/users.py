"""Other people's accounts, for administrators."""

import uuid
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.docs import users as docs
from accounts.api.permissions import IsAdmin
from accounts.api.presenters.users import user_profile
from accounts.api.serializers.users import NewUserForm, UserChanges, UserQuery
from accounts.models import User
from accounts.services.administration import user_creation, user_search, users
from accounts.services.administration.user_creation import NewUser
from accounts.services.administration.user_search import Search
from core.api.exceptions import NotFound
from core.api.responses import success
from core.api.timestamps import iso_or_none
from core.api.validation import checked, checked_query
from core.api.viewsets import ViewSet
from core.ids import parse_id
from core.openapi.operation import documented
from sessions_tracking import services as sessions
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.api.presenters import session_data
from sessions_tracking.principal import Principal

_FIELDS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "isActive": "is_active",
    "emailVerified": "email_verified",
    "deactivationReason": "deactivation_reason",
}


class UserViewSet(ViewSet):
    permission_classes = [IsAdmin]
    lookup_value_regex = "[^/]+"

    @documented(docs.LIST)
    def list(self, request: Request) -> Response:
        """A page of users: searched by email, username, names or id, filtered and ordered."""
        query = checked_query(UserQuery, request)
        page = user_search.find(_search(query), page=query["page"], page_size=query["pageSize"])
        rows = [_data(user) for user in page.users]
        return success({"users": rows, "count": page.count, "page": query["page"], "pageSize": query["pageSize"]})

    @documented(docs.CREATE)
    def create(self, request: Request) -> Response:
        """Makes a user. Without a password the user is mailed an invitation to set one."""
        values = {"email": None, "language": get_language() or "en"} | _values(checked(NewUserForm, request))
        user = user_creation.create(NewUser(**values), actor_id=_caller(request).id)
        return success({"user": _data(user)}, message=_("The user has been created."), status=201)

    @documented(docs.RETRIEVE)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One user."""
        return success({"user": _data(users.get(user_id=_id(pk)))})

    @documented(docs.UPDATE)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Changes a user. It takes hold at once: a new password or a deactivation ends all sessions of the user."""
        user_id, changes = _id(pk), _values(checked(UserChanges, request))
        current_password = changes.pop("currentPassword", None)
        user = users.update(
            actor_id=_caller(request).id, user_id=user_id, changes=changes, current_password=current_password
        )
        return success({"user": _data(user)}, message=_("The user has been changed."))

    @documented(docs.DELETE)
    def destroy(self, request: Request, pk: str) -> Response:
        """Deletes a user and everything that belongs to them, for good."""
        users.delete(actor_id=_caller(request).id, user_id=_id(pk))
        return success(message=_("The user has been deleted."))

    @action(detail=True, methods=["get"])
    @documented(docs.SESSIONS)
    def sessions(self, request: Request, pk: str) -> Response:
        """The active sessions of a user, the one seen last first."""
        user, current = users.get(user_id=_id(pk)), _caller(request).session_id
        found = sessions.list_active(user_id=user.id)
        return success({"sessions": [session_data(session, current=current) for session in found]})

    @action(detail=True, methods=["post"], url_path="revoke-sessions")
    @documented(docs.REVOKE_SESSIONS)
    def revoke_sessions(self, request: Request, pk: str) -> Response:
        """Ends all sessions of a user at once."""
        revoked = users.sign_out(actor_id=_caller(request).id, user_id=_id(pk))
        return success({"revoked": revoked}, message=_("The sessions of the user are over."))

    @action(detail=True, methods=["post"])
    @documented(docs.INVITE)
    def invite(self, request: Request, pk: str) -> Response:
        """Mails another invitation to a user who has not set a password yet; the link of the former one dies."""
        users.invite(actor_id=_caller(request).id, user_id=_id(pk))
        return success(message=_("The invitation is on its way."))


def _caller(request: Request) -> Principal:
    return current_principal(request)


def _id(text: str) -> uuid.UUID:
    found = parse_id(text)
    if found is None:
        raise NotFound
    return found


def _values(form: dict[str, Any]) -> dict[str, Any]:
    return {_FIELDS.get(name, name): value for name, value in form.items()}


def _data(user: User) -> dict[str, Any]:
    return user_profile(user) | {
        "isActive": user.is_active,
        "deactivatedAt": iso_or_none(user.deactivated_at),
        "deactivationReason": user.deactivation_reason,
    }


def _search(query: dict[str, Any]) -> Search:
    return Search(
        text=query.get("search", ""),
        role=query.get("role"),
        email_verified=query.get("emailVerified"),
        is_active=query.get("isActive"),
        ordering=query["ordering"],
    )
