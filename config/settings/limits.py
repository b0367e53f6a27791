"""How often anybody may knock. `RATE_LIMITS=off` leaves the tries of each code alone, which always hold."""

from core.environment import env
from core.throttling.rates import A_RATE, RATES, limits_called, one_limit_called

RATE_LIMITS = env.boolean("RATE_LIMITS", default=True)

# By address: whatever comes to these paths, and whether or not it succeeds.
RATE_LIMIT_LOGIN = env.parsed("RATE_LIMIT_LOGIN", "30/m", limits_called("login"), RATES)
RATE_LIMIT_REGISTER = env.parsed("RATE_LIMIT_REGISTER", "20/h", limits_called("register"), RATES)
RATE_LIMIT_PUBLIC = env.parsed("RATE_LIMIT_PUBLIC", "60/m", limits_called("public"), RATES)
RATE_LIMIT_BAD_TOKENS = env.parsed("RATE_LIMIT_BAD_TOKENS", "60/m", limits_called("bad-tokens"), RATES)
# By user: hashes of the current password's prompts and of resets, right or wrong; a change of password computes two.
RATE_LIMIT_HASHES = env.parsed("RATE_LIMIT_HASHES", "10/m", limits_called("hashes"), RATES)
# By user: requests that change something (those that end sessions by session, so that no thief can use up the owner's).
RATE_LIMIT_WRITES = env.parsed("RATE_LIMIT_WRITES", "120/m", limits_called("writes"), RATES)
RATE_LIMIT_EXPORT = env.parsed("RATE_LIMIT_EXPORT", "5/h", limits_called("export"), RATES)
# By session.
RATE_LIMIT_REFRESH = env.parsed("RATE_LIMIT_REFRESH", "60/m", limits_called("refresh"), RATES)
# By recipient, whoever asks.
RATE_LIMIT_RESEND = env.parsed("RATE_LIMIT_RESEND", "5/h", limits_called("resend"), RATES)
RESEND_PAUSE = env.duration_or_zero("RESEND_PAUSE", "1m")
RATE_LIMIT_FORGOT = env.parsed("RATE_LIMIT_FORGOT", "1/m,5/h", limits_called("forgot"), RATES)

# Wrong passwords, by account and address at a login and by account at the other prompts: so many, then a wait that doubles.
RATE_LIMIT_WRONG_PASSWORDS = env.parsed(
    "RATE_LIMIT_WRONG_PASSWORDS", "5/5m", one_limit_called("wrong-passwords"), A_RATE
)
WRONG_PASSWORD_FIRST_WAIT = env.duration("WRONG_PASSWORD_FIRST_WAIT", "30s")
WRONG_PASSWORD_LONGEST_WAIT = env.duration("WRONG_PASSWORD_LONGEST_WAIT", "15m")
if WRONG_PASSWORD_FIRST_WAIT > WRONG_PASSWORD_LONGEST_WAIT:
    raise env.BadVariable("WRONG_PASSWORD_FIRST_WAIT", "must not be longer than WRONG_PASSWORD_LONGEST_WAIT")

# Wrong codes, counted in the database: of each code, and of all codes of an account.
MAX_CODE_TRIES = env.integer("MAX_CODE_TRIES", 5, minimum=1, maximum=100)
RATE_LIMIT_CODES = env.parsed("RATE_LIMIT_CODES", "10/h", one_limit_called("codes"), A_RATE)
