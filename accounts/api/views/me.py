"""The account of the caller."""

from django.http import StreamingHttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.cookies import clear_cookies
from accounts.api.docs import me as docs
from accounts.api.presenters.export import event_data, export_chunks
from accounts.api.presenters.pages import page_data
from accounts.api.presenters.users import account_data, user_profile
from accounts.api.serializers.forms import OwnProfileForm, PageQuery, PasswordForm
from accounts.services import activity, export, profile
from core.api.responses import success
from core.api.streaming import streamed_json
from core.api.validation import validated_data, validated_query
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from sessions_tracking.api.current_principal import current_principal


class MeViewSet(ViewSet):
    @action(detail=False, methods=["get"])
    @documented(docs.ME)
    def me(self, request: Request) -> Response:
        """Your account and your active sessions."""
        return _account_response(request)

    @me.mapping.patch
    @documented(docs.UPDATE)
    def update_me(self, request: Request) -> Response:
        """Changes your names, your username, the language of your emails, or whether an emailed code can sign you in."""
        changes = validated_data(OwnProfileForm, request)
        principal = current_principal(request)
        user = profile.update(user_id=principal.id, session_id=principal.session_id, changes=changes)
        return success({"user": user_profile(user)}, message=_("Your profile has been updated."))

    @me.mapping.delete
    @documented(docs.DELETE)
    def delete_me(self, request: Request) -> Response:
        """Permanently deletes your account and everything that belongs to it. Requires your password."""
        password = validated_data(PasswordForm, request).get("password")
        profile.delete(principal=current_principal(request), password=password)
        response = success(message=_("Your account has been deleted."))
        clear_cookies(response)
        return response

    @action(detail=False, methods=["get"])
    @documented(docs.PROFILE)
    def profile(self, request: Request) -> Response:
        """The same as `/me`, under the name that some clients use."""
        return _account_response(request)

    @profile.mapping.patch
    @documented(docs.UPDATE_PROFILE)
    def update_profile(self, request: Request) -> Response:
        """The same as `PATCH /me`."""
        return self.update_me(request)

    @profile.mapping.delete
    @documented(docs.DELETE_PROFILE)
    def delete_profile(self, request: Request) -> Response:
        """The same as `DELETE /me`."""
        return self.delete_me(request)

    @action(detail=False, methods=["get"], url_path="me/export")
    @documented(docs.EXPORT)
    def export(self, request: Request) -> StreamingHttpResponse:
        """All data stored about you, including ended sessions, emails and activity."""
        principal = current_principal(request)
        data = export.export_data(user_id=principal.id)
        return streamed_json(export_chunks(data, current=principal.session_id))

    @action(detail=False, methods=["get"], url_path="me/activity")
    @documented(docs.ACTIVITY)
    def activity(self, request: Request) -> Response:
        """The events of your account, including failed sign-ins, newest first. Kept for half a year by default."""
        query = validated_query(PageQuery, request)
        return success(page_data("events", activity.find(user_id=current_principal(request).id, **query), event_data))


def _account_response(request: Request) -> Response:
    principal = current_principal(request)
    account = profile.get_account(user_id=principal.id, session_id=principal.session_id)
    return success(account_data(account, current=principal.session_id))
