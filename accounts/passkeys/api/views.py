"""The user's own passkeys: add, list, rename and remove them. Another user's passkey is not found."""

import uuid
from http import HTTPStatus

from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.passkeys.api import docs
from accounts.passkeys.api.forms import AddPasskeyForm, RenamePasskeyForm
from accounts.passkeys.api.presenters import list_data, passkey_data
from accounts.passkeys.flows import enrolment, management, removal
from core.api.exceptions import NotFound
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.ids import parse_id
from core.openapi.operation import documented
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info


class PasskeyViewSet(ViewSet):
    lookup_value_regex = "[^/]+"

    @action(detail=False, methods=["post"], url_path="registration/options")
    @documented(docs.START)
    def registration_options(self, request: Request) -> Response:
        """Returns the options for `navigator.credentials.create()`. They are valid for 5 minutes, in this session."""
        principal = current_principal(request)
        return success({"publicKey": enrolment.start(user_id=principal.id, session_id=principal.session_id)})

    @documented(docs.ADD)
    def create(self, request: Request) -> Response:
        """Stores the passkey that the browser made. From then on, other ways to sign in ask for a second factor."""
        principal, form = current_principal(request), validated_data(AddPasskeyForm, request)
        added = enrolment.add(
            user_id=principal.id,
            session_id=principal.session_id,
            credential=form["credential"],
            name=form.get("name", ""),
            client=read_client_info(request),
        )
        codes = {"recoveryCodes": added.recovery_codes} if added.recovery_codes else {}
        return success(
            {"passkey": passkey_data(added.passkey)} | codes,
            message=_("The passkey was added."),
            status=HTTPStatus.CREATED,
        )

    @documented(docs.LIST)
    def list(self, request: Request) -> Response:
        """Lists your passkeys, the newest first, and what a page tells the browser about them by the signal methods."""
        return success(list_data(management.list_passkeys(user_id=current_principal(request).id)))

    @documented(docs.RENAME)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Sets the name by which you recognize a passkey."""
        principal = current_principal(request)
        passkey = management.rename(
            user_id=principal.id,
            session_id=principal.session_id,
            passkey_id=_id(pk),
            name=validated_data(RenamePasskeyForm, request)["name"],
        )
        return success({"passkey": passkey_data(passkey)})

    @documented(docs.REMOVE)
    def destroy(self, request: Request, pk: str) -> Response:
        """Removes a passkey. The last of your ways to sign in cannot be removed."""
        principal = current_principal(request)
        removal.remove(
            user_id=principal.id,
            session_id=principal.session_id,
            passkey_id=_id(pk),
            client=read_client_info(request),
        )
        return success(message=_("The passkey was removed."))


def _id(text: str) -> uuid.UUID:
    passkey_id = parse_id(text)
    if passkey_id is None:
        raise NotFound
    return passkey_id
