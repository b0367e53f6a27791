"""Base class of the management commands: help that keeps its line breaks, and the same exit codes everywhere."""

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, DjangoHelpFormatter

from core.api.exceptions import ApiError

EXIT_CODES = "Exit codes: 0 success, 1 failure (the message gives the reason), 2 wrong usage."


class _HelpFormatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Keeps line breaks, and lists a command's own options before Django's common ones."""


class DocumentedCommand(BaseCommand):
    """`examples` are the arguments of example lines; the help ends with them and the exit codes."""

    examples: tuple[str, ...] = ()
    exit_codes = EXIT_CODES

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        lines = ["examples:", *(f"  manage.py {subcommand} {line}".rstrip() for line in self.examples)]
        epilog = "\n".join([*lines, "", self.exit_codes])
        return super().create_parser(prog_name, subcommand, formatter_class=_HelpFormatter, epilog=epilog, **kwargs)


def format_error(error: ApiError) -> str:
    """Return the error's field messages, or else its message, in one line."""
    parts = [f"{field}: {text}" for field, texts in (error.errors or {}).items() for text in texts]
    return " ".join(parts) or str(error.message)
