"""Says why a request was refused."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.services.diagnostics import explain
from core.api.exceptions import NotFound
from core.management.documented_command import TaughtCommand
from core.redis.client import RedisAway

_HELP = """\
Says why a request was refused, in a sentence with facts: what the answer was, whose session it came with, and when, how
and from where that was ended.

REQUEST_ID is the X-Request-Id of the answer; it is in the log's lines and in the audit too. Refusals are kept for
REFUSAL_RETENTION (24 hours), the latest 100,000 of them, about a second after their answer; they hold codes, ids and the
address, and nothing that was typed. What the audit knows of the request is said as well, however old it is."""


class Command(TaughtCommand):
    help = _HELP
    examples = ("019aa5c17d207c359d6e0b6c6f3e4a51",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("request_id", metavar="REQUEST_ID", help="as the answer's X-Request-Id has it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(explain.explain(options["request_id"].strip()))
        except NotFound as error:
            raise CommandError(_nothing_known()) from error
        except RedisAway as error:
            raise CommandError(
                "Redis is away, and the records of refusals are there. The log has the id too."
            ) from error


def _nothing_known() -> str:
    if not settings.REFUSAL_RETENTION:
        return (
            "Nothing is known of that request: refusals are not kept (REFUSAL_RETENTION=0). Look in the log for its id."
        )
    hours = settings.REFUSAL_RETENTION.total_seconds() / 3600
    return (
        f"Nothing is known of that request. Was it refused at all, below /api, in the last {hours:g} hours? A record comes "
        "about a second after the answer, and is lost where Redis was away. The log has the id as long as you keep the log."
    )
