"""The second factor: the keys that its secrets are encrypted with, its limits, and who must have one."""

from datetime import timedelta

from config.settings.auth import SECRET_KEY
from config.settings.debug import DEBUG
from core.environment import env

REQUIRE_ADMIN_MFA = env.boolean("REQUIRE_ADMIN_MFA", default=False)
# The newest first. What an older one of them encrypted, or SECRET_KEY before there were any, can still be read.
MFA_ENCRYPTION_KEYS = env.words("MFA_ENCRYPTION_KEYS") or [SECRET_KEY]
if not DEBUG:
    for _key in MFA_ENCRYPTION_KEYS:
        env.refuse_weak("MFA_ENCRYPTION_KEYS", _key)

MFA_CHALLENGE_LIFETIME = timedelta(minutes=5)
# Of one account, in its authenticator app's codes and its recovery codes together.
MFA_MOST_WRONG_CODES = 10
MFA_WRONG_CODES_WINDOW = timedelta(hours=1)
