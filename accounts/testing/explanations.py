"""The explanation of a rejected request by `explain_request`."""

from io import StringIO
from typing import Any

from django.core.management import call_command

from core.rejected_requests import writer


def explain(response: Any) -> str:
    """Write the records of rejected requests that are pending, and return what the command prints about this one."""
    writer.write()
    out = StringIO()
    call_command("explain_request", response.headers["X-Request-Id"], stdout=out)
    return out.getvalue()
