"""The caller's own account."""

from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.cookies import clear_cookies
from accounts.api.docs import me as docs
from accounts.api.representation import email_data, ended_session_data, user_profile
from accounts.api.serializers.forms import PasswordForm, ProfileForm
from accounts.services import profile
from config.api.documented import documented
from config.api.forms import checked
from config.api.responses import success
from config.api.viewsets import ViewSet
from sessions_tracking import services as sessions
from sessions_tracking.api.caller import caller
from sessions_tracking.api.representation import session_data

_FIELDS = {"firstName": "first_name", "lastName": "last_name", "username": "username", "language": "language"}


class MeViewSet(ViewSet):
    @action(detail=False, methods=["get"])
    @documented(docs.ME)
    def me(self, request: Request) -> Response:
        """Your account and your active sessions."""
        return _shown(request)

    @me.mapping.patch
    @documented(docs.UPDATE)
    def update_me(self, request: Request) -> Response:
        """Changes your names, your username or the language of your emails."""
        changes = {_FIELDS[name]: value for name, value in checked(ProfileForm, request).items()}
        user = profile.update(user_id=caller(request).id, changes=changes)
        return success({"user": user_profile(user)}, message=_("Your profile is saved."))

    @me.mapping.delete
    @documented(docs.DELETE)
    def delete_me(self, request: Request) -> Response:
        """Deletes your account and everything that belongs to it, for good. Takes your password."""
        profile.delete(user_id=caller(request).id, password=checked(PasswordForm, request)["password"])
        response = success(message=_("Your account has been deleted."))
        clear_cookies(response)
        return response

    @action(detail=False, methods=["get"])
    @documented(docs.PROFILE)
    def profile(self, request: Request) -> Response:
        """The same as `/me`, under the name that some clients know."""
        return _shown(request)

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
    def export(self, request: Request) -> Response:
        """Everything that is held about you, ended sessions and emails included."""
        principal = caller(request)
        held = profile.everything_held(user_id=principal.id)
        return success(
            {
                "user": user_profile(held.user),
                "sessions": [ended_session_data(session, current=principal.session_id) for session in held.sessions],
                "emails": [email_data(email) for email in held.emails],
            }
        )


def _shown(request: Request) -> Response:
    principal = caller(request)
    user = profile.get(user_id=principal.id)
    rows = [
        session_data(session, current=principal.session_id) for session in sessions.list_active(user_id=principal.id)
    ]
    return success({"user": user_profile(user) | {"sessions": rows}})
