"""Runs in the product's environment: fills Redis with the principals of sessions, and mints tokens.

`entries` writes an entry for each session; `refresh N` and `access N` print tokens of N live sessions, one per line.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import django
import redis
from django.conf import settings

django.setup()

from accounts.tokens import session_tokens  # noqa: E402 - after django.setup()
from sessions_tracking.authentication_context import authenticated_now  # noqa: E402
from sessions_tracking.models import Session, SessionQuerySet  # noqa: E402
from sessions_tracking.principal import PRINCIPAL_FIELDS, Principal  # noqa: E402
from sessions_tracking.principal_cache.entries import REVOKED, cache_key, encode  # noqa: E402

_BATCH = 2_000
# Entries expire after seconds in production; here they must last for the whole run.
_SECONDS = 4 * 3600


def main() -> None:
    if sys.argv[1] == "entries":
        print(_write_entries())
        return
    mint = {"refresh": _refresh_tokens, "access": _access_tokens}[sys.argv[1]]
    for token in mint(int(sys.argv[2])):
        print(token)


def _live() -> SessionQuerySet:
    return Session.objects.active(datetime.now(UTC)).filter(user__is_active=True)


def _lasting() -> SessionQuerySet:
    """Sessions that do not expire during the run."""
    return _live().filter(expires_at__gt=datetime.now(UTC) + timedelta(hours=1))


def _write_entries() -> int:
    ended = Session.objects.filter(revoked_at__isnull=False).values_list("id", flat=True)
    revoked = ((cache_key(session_id), REVOKED) for session_id in ended.iterator(_BATCH))
    fields = _live().values_list(*PRINCIPAL_FIELDS)
    principals = (Principal.from_row(row) for row in fields.iterator(_BATCH))
    active = ((cache_key(principal.session_id), encode(principal)) for principal in principals)
    return _set_all(revoked) + _set_all(active)


def _set_all(pairs: Iterator[tuple[str, bytes]]) -> int:
    client, count = redis.Redis.from_url(settings.REDIS_URL), 0
    while batch := list(islice(pairs, _BATCH)):
        with client.pipeline(transaction=False) as pipeline:
            for key, entry in batch:
                pipeline.set(key, entry, ex=_SECONDS)
            pipeline.execute()
        count += len(batch)
    return count


def _refresh_tokens(count: int) -> Iterator[str]:
    """Mint refresh tokens of random sessions."""
    fields = ("user_id", "id", "refresh_jti", "refresh_issued_at", "expires_at")
    for user_id, session_id, jti, issued_at, expires_at in _lasting().order_by("?").values_list(*fields)[:count]:
        yield session_tokens.mint_refresh(
            user_id=user_id, session_id=session_id, jti=jti, issued_at=issued_at, expires_at=expires_at
        )


def _access_tokens(count: int) -> Iterator[str]:
    fields = ("user_id", "user__username", "user__role", "id", "expires_at")
    for user_id, username, role, session_id, ends_at in _lasting().order_by("?").values_list(*fields)[:count]:
        yield session_tokens.mint_access(
            user_id=user_id,
            username=username,
            role=role,
            session_id=session_id,
            session_ends_at=ends_at,
            context=authenticated_now("pwd"),
        )[0]


main()
