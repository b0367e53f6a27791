"""Users who signed up by passkey on a live server whose database this process shares."""

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from accounts.passkeys.testing import live_passkey
from accounts.passkeys.testing.authenticator import SoftwareAuthenticator
from core.testing.live_server import LiveServer


@dataclass(frozen=True)
class LiveUser:
    user: User
    authenticator: SoftwareAuthenticator


def sign_up(server: LiveServer) -> LiveUser:
    """Create a user who has a verified email and only a passkey."""
    username, authenticator = live_passkey.sign_up(server)
    User.objects.filter(username=username).update(email_verified_at=timezone.now())
    return LiveUser(User.objects.get(username=username), authenticator)
