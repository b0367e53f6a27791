"""Sign-in by an emailed code or link."""

from datetime import timedelta

from core.environment import env

LOGIN_CODES = env.boolean("LOGIN_CODES", default=True)
# Of the code and the link, from when the email is sent.
LOGIN_CODE_LIFETIME = timedelta(minutes=10)
# Attempts at all codes of an account: MAX_CODE_TRIES within this time.
LOGIN_CODE_ATTEMPTS_WINDOW = timedelta(hours=1)
