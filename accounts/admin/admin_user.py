"""Who is using the admin, and where they stand."""

import uuid

from django.http import HttpRequest

from accounts.models import Role, User


def caller_id(request: HttpRequest) -> uuid.UUID:
    """The admin's pages open to users alone."""
    return uuid.UUID(str(request.user.pk))


def is_own(request: HttpRequest, user_id: object) -> bool:
    """Read as Django reads the id of a page: without hyphens, in capitals or as a URN it is the same user."""
    try:
        return uuid.UUID(str(user_id)) == request.user.pk
    except ValueError:
        return False


def is_superuser(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_superuser


def is_administrator(request: HttpRequest) -> bool:
    """As the API counts them: Django's permissions alone let nobody act on other people's accounts."""
    return request.user.is_authenticated and request.user.role == Role.ADMIN


def stands_above(request: HttpRequest, user: User | None) -> bool:
    if user is None or is_superuser(request):
        return False
    return (user.is_superuser or user.is_staff or user.role == Role.ADMIN) and user.pk != request.user.pk
