"""Two-factor authentication: pending logins, encryption keys, limits, and which users must have a second factor."""

from datetime import timedelta

from config.settings.auth import SECRET_KEY
from config.settings.debug import DEBUG
from core.environment import env

REQUIRE_ADMIN_MFA = env.boolean("REQUIRE_ADMIN_MFA", default=False)
# The newest key first. Older keys, and SECRET_KEY from before there were any, still decrypt.
MFA_ENCRYPTION_KEYS = env.words("MFA_ENCRYPTION_KEYS") or [SECRET_KEY]
if not DEBUG:
    for _key in MFA_ENCRYPTION_KEYS:
        env.refuse_weak("MFA_ENCRYPTION_KEYS", _key)

PENDING_LOGIN_LIFETIME = timedelta(minutes=5)
# For one account: codes of the authenticator app and recovery codes together.
MFA_MAX_WRONG_CODES = 10
MFA_WRONG_CODES_WINDOW = timedelta(hours=1)

# How long a user who has lost every second factor waits for its removal, in which the owner can stop it; None: impossible.
RECOVERY_DELAY = None if env.text("RECOVERY_DELAY", "24h").lower() == "off" else env.duration("RECOVERY_DELAY", "24h")
# How long the link of the email works after that.
RECOVERY_LINK_LIFETIME = timedelta(days=7)
