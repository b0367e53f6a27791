"""What the management commands have in common: help that keeps its lines, and exit codes that mean the same everywhere."""

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, DjangoHelpFormatter

from core.api.exceptions import ApiError

EXIT_CODES = "Exit codes: 0 done, 1 could not be done (the message says why), 2 wrong usage."


class _Formatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Keeps the lines of the text, and puts a command's own options before those that all have."""


class TaughtCommand(BaseCommand):
    """`help` is what it does and what follows from it; `examples` are lines to copy, and end the help."""

    examples: tuple[str, ...] = ()
    exit_codes = EXIT_CODES

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        lines = ["examples:", *(f"  manage.py {subcommand} {line}".rstrip() for line in self.examples)]
        epilog = "\n".join([*lines, "", self.exit_codes])
        return super().create_parser(prog_name, subcommand, formatter_class=_Formatter, epilog=epilog, **kwargs)


def said(error: ApiError) -> str:
    """What the API would say of it, with all that is wrong, in a line."""
    parts = [f"{field}: {text}" for field, texts in (error.errors or {}).items() for text in texts]
    return " ".join(parts) or str(error.message)
