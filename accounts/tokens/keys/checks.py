"""Deployment checks of the key files."""

import stat
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - the name is Django's

from accounts.tokens.keys import files


@register(Tags.security, deploy=True)
def check_key_files(**_options: Any) -> list[CheckMessage]:
    key_files, _ = files.read_all(settings.JWT_PRIVATE_KEYS)
    return [
        Warning(
            f"The signing key {file.path} is readable by every user of this machine.",
            hint=f"chmod 600 {file.path}",
            id="vestibule.W010",
        )
        for file in key_files
        if file.path.stat().st_mode & stat.S_IROTH
    ]
