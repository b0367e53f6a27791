"""Shows everything known about a session."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.services.diagnostics import session_report
from accounts.services.diagnostics.session_report import SessionReport
from core.api.exceptions import NotFound
from core.api.timestamps import iso_or_none
from core.ids import parse_id
from core.management.documented_command import DocumentedCommand

_HELP = """\
Shows everything known about a session: its user, device, IP address and times, whether it is active, and otherwise when,
how and by whom it was ended; and its cache entry in Redis, which the web processes use.

ID is the `sid` of a token, or the session's `id` in the API, the admin and the audit. cleanup_tokens deletes ended
sessions; the event that ended one stays in the audit. No token is shown, and nothing from which one could be made."""


class Command(DocumentedCommand):
    help = _HELP
    examples = ("019aa5c1-7d20-7c35-9d6e-0b6c6f3e4a51", "019aa5c1-7d20-7c35-9d6e-0b6c6f3e4a51 --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", metavar="ID", help="the session's ID")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        session_id = parse_id(options["id"])
        if session_id is None:
            raise CommandError(f"{options['id']!r} is not a session ID, which is a UUID of 36 characters.")
        try:
            facts = _facts(session_report.get_report(session_id))
        except NotFound as error:
            raise CommandError("There is no such session, or it has ended and was deleted.") from error
        if options["json"]:
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
            return
        for name, value in facts.items():
            self.stdout.write(f"{name:18} {_format_value(value)}")


def _facts(report: SessionReport) -> dict[str, Any]:
    session, user = report.session, report.user
    facts: dict[str, Any] = {
        "session": str(session.id),
        "state": report.state,
        "user": user.username,
        "userId": str(user.id),
        "email": user.email,
        "role": str(user.role),
        "userIsActive": user.is_active,
        "amr": session.amr,
        "acr": session.acr,
        "authenticatedAt": iso_or_none(session.authenticated_at),
        "name": session.name,
        "device": ", ".join(filter(None, (session.device, session.browser, session.platform))),
        "ip": session.ip,
        "location": session.location,
        "createdAt": iso_or_none(session.created_at),
        "lastSeenAt": iso_or_none(session.last_seen_at),
        "refreshedAt": iso_or_none(session.rotated_at),
        "expiresAt": iso_or_none(session.expires_at),
        "maxExpiresAt": iso_or_none(session.absolute_expires_at),
        "inRedis": report.in_redis,
    }
    if session.revoked_at is None:
        return facts
    return facts | _end_facts(report)


def _end_facts(report: SessionReport) -> dict[str, Any]:
    session, event = report.session, report.revoking_event
    facts = {"endedAt": iso_or_none(session.revoked_at), "endReason": session.revoked_reason, "endedBy": None}
    if event is None:
        return facts
    actor = report.actor.username if report.actor else (str(event.actor_id) if event.actor_id else None)
    return facts | {
        "endedBy": actor,
        "endedFromIp": event.ip,
        "endedFromDevice": event.device,
        "endedByRequest": event.request_id,
    }


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value not in {None, ""} else "-"
