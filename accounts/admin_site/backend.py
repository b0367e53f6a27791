"""What Django knows of passwords: nothing that the API's own check would not say."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.services import credential_check
from accounts.services.credential_check import Credentials
from core.api.exceptions import ApiError, Overloaded


class PasswordBackend(ModelBackend):
    """Rights as Django keeps them. Whoever calls Django's `authenticate` meets the limits, and no way past a second factor."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        try:
            user = credential_check.authenticate(
                Credentials.from_identifier(username, password), address=address_of(request)
            )
        except Overloaded:
            raise  # nothing was judged
        except ApiError:
            return None
        return None if user.mfa_enabled else user

    async def aauthenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        return await sync_to_async(self.authenticate)(request, username, password, **kwargs)


def address_of(request: HttpRequest | None) -> str | None:
    return request.META.get("REMOTE_ADDR") if request else None
