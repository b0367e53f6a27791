"""The names of passkey providers by AAGUID, for people: an authenticator can claim any AAGUID.

The list and its date are in `data/providers.json`; `manage.py update_passkey_providers` renews it.
"""

import functools
import json
import uuid
from pathlib import Path

LIST = Path(__file__).parent / "data" / "providers.json"


def get_name(aaguid: uuid.UUID) -> str | None:
    return _names().get(str(aaguid))


@functools.cache
def _names() -> dict[str, str]:
    names: dict[str, str] = json.loads(LIST.read_text("utf-8"))["providers"]
    return names
