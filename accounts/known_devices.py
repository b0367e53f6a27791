"""Which devices somebody signed in from before: as few and as coarse marks as tell a stranger's sign-in from one's own."""

from collections.abc import Sequence

from accounts.keyed_hash import hexdigest
from sessions_tracking.client_info import ClientInfo

_MOST = 50
_LENGTH = 16


def fingerprint(client: ClientInfo) -> str:
    """Kind of device, browser and system; neither address nor version, which change under an honest person's hands."""
    return hexdigest("known-device", client.device, client.browser, client.os)[:_LENGTH]


def remember(known: Sequence[str], device: str) -> list[str]:
    """The list with this device as its latest; the one not used for longest goes first."""
    return [*(other for other in known if other != device), device][-_MOST:]
