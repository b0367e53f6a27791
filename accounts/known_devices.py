"""Fingerprints of the devices that a user has signed in from, to notify the user of a sign-in from a new one."""

from collections.abc import Sequence

from accounts.tokens.signing import hmac_hexdigest
from sessions_tracking.client_info import ClientInfo

_MAX_DEVICES = 50
_LENGTH = 16


def fingerprint(client: ClientInfo) -> str:
    """Hash the kind of device, browser and system. IP and versions are left out, because they change on the same device."""
    return hmac_hexdigest("known-device", client.device, client.browser, client.os)[:_LENGTH]


def remember(devices: Sequence[str], device: str) -> list[str]:
    """Return the devices with this one as the latest, without the least recently used ones over the limit."""
    return [*(other for other in devices if other != device), device][-_MAX_DEVICES:]
