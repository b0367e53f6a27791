"""The authentication backend of Django: the API's password check."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.services import credential_check
from accounts.services.credential_check import Credentials
from core.api.exceptions import ApiError, Overloaded


class PasswordBackend(ModelBackend):
    """Adds the API's password check and rate limits to Django's permissions.

    Django's `authenticate` is no way around the second factor: it rejects users who have one.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        try:
            user = credential_check.authenticate(Credentials.from_identifier(username, password), ip=client_ip(request))
        except Overloaded:
            raise  # the password was not checked
        except ApiError:
            return None
        return None if user.mfa_enabled else user

    async def aauthenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        return await sync_to_async(self.authenticate)(request, username, password, **kwargs)


def client_ip(request: HttpRequest | None) -> str | None:
    return request.META.get("REMOTE_ADDR") if request else None
