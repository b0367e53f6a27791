"""The accounts of other users, for administrators."""

import uuid

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.docs import users as docs
from accounts.api.permissions import IsAdmin
from accounts.api.presenters.pages import page_data
from accounts.api.presenters.users import administered_user
from accounts.api.serializers.users import NewUserForm, UserChanges, UserQuery
from accounts.models.user_fields import PROFILE_FIELDS
from accounts.services.administration import support, user_search, users
from accounts.services.administration.user_search import Search
from accounts.services.administration.users import NewUser
from core.api.exceptions import NotFound
from core.api.responses import success
from core.api.validation import validated_data, validated_query
from core.api.viewsets import ViewSet
from core.ids import parse_id
from core.openapi.operation import documented
from sessions_tracking import services as sessions
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.api.presenters import session_data


class UserViewSet(ViewSet):
    permission_classes = [IsAdmin]
    lookup_value_regex = "[^/]+"

    @documented(docs.LIST)
    def list(self, request: Request) -> Response:
        """A page of users: searched by email, username, names or id, filtered and ordered."""
        query = validated_query(UserQuery, request)
        page, page_size = query.pop("page"), query.pop("page_size")
        search = Search(text=query.pop("search", ""), **query)
        return success(page_data("users", user_search.find(search, page=page, page_size=page_size), administered_user))

    @documented(docs.CREATE)
    def create(self, request: Request) -> Response:
        """Creates a user. Without a password the user gets an email with a link to set one."""
        values = {"email": None, "language": get_language() or "en"} | validated_data(NewUserForm, request)
        profile = {field: values.pop(field) for field in PROFILE_FIELDS if field in values}
        user = users.create(NewUser(**values, profile=profile), actor_id=current_principal(request).id)
        return success({"user": administered_user(user)}, message=_("The user has been created."), status=201)

    @documented(docs.RETRIEVE)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One user."""
        return success({"user": administered_user(users.get(user_id=_id(pk)))})

    @documented(docs.UPDATE)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Changes a user, with immediate effect: a new password or a deactivation ends all sessions of the user."""
        user_id, changes, principal = _id(pk), validated_data(UserChanges, request), current_principal(request)
        current_password = changes.pop("current_password", None)
        proof = users.confirm_change(
            principal=principal, user_id=user_id, changes=changes, current_password=current_password
        )
        user = users.update(actor_id=principal.id, user_id=user_id, changes=changes, proof=proof)
        return success({"user": administered_user(user)}, message=_("The user has been changed."))

    @documented(docs.DELETE)
    def destroy(self, request: Request, pk: str) -> Response:
        """Permanently deletes a user and everything that belongs to them."""
        users.delete(actor_id=current_principal(request).id, user_id=_id(pk))
        return success(message=_("The user has been deleted."))

    @action(detail=True, methods=["get"])
    @documented(docs.SESSIONS)
    def sessions(self, request: Request, pk: str) -> Response:
        """The active sessions of a user, the last seen first."""
        user, current = users.get(user_id=_id(pk)), current_principal(request).session_id
        active = sessions.list_active(user_id=user.id)
        return success({"sessions": [session_data(session, current=current) for session in active]})

    @action(detail=True, methods=["post"], url_path="revoke-sessions")
    @documented(docs.REVOKE_SESSIONS)
    def revoke_sessions(self, request: Request, pk: str) -> Response:
        """Ends all sessions of a user at once."""
        revoked = support.revoke_sessions(actor_id=current_principal(request).id, user_id=_id(pk))
        return success({"revoked": revoked}, message=_("The user has been signed out of all devices."))

    @action(detail=True, methods=["post"])
    @documented(docs.INVITE)
    def invite(self, request: Request, pk: str) -> Response:
        """Sends another invitation to a user who has not set a password yet. The previous link stops working."""
        support.invite(actor_id=current_principal(request).id, user_id=_id(pk))
        return success(message=_("The invitation is on its way."))


def _id(text: str) -> uuid.UUID:
    user_id = parse_id(text)
    if user_id is None:
        raise NotFound
    return user_id
