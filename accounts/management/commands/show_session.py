"""Shows all that is known of a session."""

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from accounts.services.diagnostics import session_report
from accounts.services.diagnostics.session_report import SessionReport
from core.api.exceptions import NotFound
from core.api.timestamps import iso_or_none
from core.ids import parse_id
from core.management.documented_command import TaughtCommand

_HELP = """\
Shows all that is known of a session: whose it is, device, address and times, whether it goes on, and if not, when, how and
by whom it was ended; and what Redis holds of it, which is what the web processes go by.

ID is the `sid` of a token, or a session's `id` in the API, the admin and the audit. A session that is over is removed by
the next cleanup_tokens; what ended it stays in the audit. No token and nothing to make one of is shown."""


class Command(TaughtCommand):
    help = _HELP
    examples = ("019aa5c1-7d20-7c35-9d6e-0b6c6f3e4a51", "019aa5c1-7d20-7c35-9d6e-0b6c6f3e4a51 --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", metavar="ID", help="of the session")
        parser.add_argument("--json", action="store_true", help="for programs, in one object")

    def handle(self, *args: Any, **options: Any) -> None:
        session_id = parse_id(options["id"])
        if session_id is None:
            raise CommandError(f"{options['id']!r} is no session's id: those are UUIDs, of 36 characters.")
        try:
            facts = _facts(session_report.of(session_id))
        except NotFound as error:
            raise CommandError("There is no such session: never, or it is over and was removed since.") from error
        if options["json"]:
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
            return
        for name, value in facts.items():
            self.stdout.write(f"{name:16} {_shown(value)}")


def _facts(report: SessionReport) -> dict[str, Any]:
    session, user, deed = report.session, report.user, report.deed
    facts: dict[str, Any] = {
        "session": str(session.id),
        "state": report.state,
        "user": user.username,
        "userId": str(user.id),
        "email": user.email,
        "role": str(user.role),
        "userIsActive": user.is_active,
        "secondFactor": session.second_factor,
        "name": session.name,
        "device": ", ".join(filter(None, (session.device, session.browser, session.platform))),
        "address": session.ip,
        "location": session.location,
        "createdAt": _time(session.created_at),
        "lastSeenAt": _time(session.last_seen_at),
        "refreshedAt": _time(session.rotated_at),
        "expiresAt": _time(session.expires_at),
        "atMostUntil": _time(session.absolute_expires_at),
        "inRedis": report.in_redis,
    }
    if session.revoked_at is None:
        return facts
    facts |= {"endedAt": _time(session.revoked_at), "endedHow": session.revoked_reason, "endedBy": None}
    if deed is not None:
        by = report.actor.username if report.actor else (str(deed.actor_id) if deed.actor_id else None)
        facts |= {"endedBy": by, "endedFrom": deed.ip, "endedWith": deed.device, "endedByRequest": deed.request_id}
    return facts


def _time(moment: datetime | None) -> str | None:
    return iso_or_none(moment)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value not in {None, ""} else "-"
