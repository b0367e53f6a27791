"""Explains why a request was rejected."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.services.diagnostics import explain
from core.api.exceptions import NotFound
from core.management.documented_command import DocumentedCommand
from core.redis.client import RedisUnavailable

_HELP = """\
Explains why a request was rejected: the response, the session of the request, and when, how and from where that session
was ended.

REQUEST_ID is the X-Request-Id header of the response; the log and the audit have it too. The latest 100,000 rejected
requests are kept for REJECTED_REQUEST_RETENTION (24 hours), and are recorded about a second after the response. A record
has codes, ids and the client's IP address, but no data from the request. Audit events of the request are shown whatever
their age."""


class Command(DocumentedCommand):
    help = _HELP
    examples = ("019aa5c17d207c359d6e0b6c6f3e4a51",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("request_id", metavar="REQUEST_ID", help="the X-Request-Id header of the response")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(explain.explain(options["request_id"].strip()))
        except NotFound as error:
            raise CommandError(_not_found_message()) from error
        except RedisUnavailable as error:
            raise CommandError(
                "Redis, which has the records of rejected requests, is unavailable. Search the log for the request ID."
            ) from error


def _not_found_message() -> str:
    if not settings.REJECTED_REQUEST_RETENTION:
        return (
            "There is no record of this request: rejected requests are not recorded (REJECTED_REQUEST_RETENTION=0). "
            "Search the log for the request ID."
        )
    hours = settings.REJECTED_REQUEST_RETENTION.total_seconds() / 3600
    return (
        f"There is no record of this request. Only requests below /api that were rejected in the last {hours:g} hours have "
        "one. It is written about a second after the response, and is lost if Redis is unavailable. Search the log for the "
        "request ID."
    )
