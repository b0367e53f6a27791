"""How often anybody may knock. `RATE_LIMITS=off` leaves the tries of each code alone, which always hold."""

from core.environment import env
from core.throttling.rates import RATE_HELP, SINGLE_RATE_HELP, rate_parser, single_rate_parser

RATE_LIMITS = env.boolean("RATE_LIMITS", default=True)

# By address: whatever comes to these paths, and whether or not it succeeds.
RATE_LIMIT_LOGIN = env.parsed("RATE_LIMIT_LOGIN", "30/m", rate_parser("login"), RATE_HELP)
RATE_LIMIT_REGISTER = env.parsed("RATE_LIMIT_REGISTER", "20/h", rate_parser("register"), RATE_HELP)
RATE_LIMIT_ANONYMOUS = env.parsed("RATE_LIMIT_ANONYMOUS", "60/m", rate_parser("public"), RATE_HELP)
RATE_LIMIT_BAD_TOKENS = env.parsed("RATE_LIMIT_BAD_TOKENS", "60/m", rate_parser("bad-tokens"), RATE_HELP)
# By user: hashes of the current password's prompts and of resets, right or wrong; a change of password computes two.
RATE_LIMIT_HASHES = env.parsed("RATE_LIMIT_HASHES", "10/m", rate_parser("hashes"), RATE_HELP)
# By user: requests that change something (those that end sessions by session, so that no thief can use up the owner's).
RATE_LIMIT_WRITES = env.parsed("RATE_LIMIT_WRITES", "120/m", rate_parser("writes"), RATE_HELP)
RATE_LIMIT_EXPORT = env.parsed("RATE_LIMIT_EXPORT", "5/h", rate_parser("export"), RATE_HELP)
# By session.
RATE_LIMIT_REFRESH = env.parsed("RATE_LIMIT_REFRESH", "60/m", rate_parser("refresh"), RATE_HELP)
# By recipient, whoever asks.
RATE_LIMIT_RESEND = env.parsed("RATE_LIMIT_RESEND", "5/h", rate_parser("resend"), RATE_HELP)
RESEND_PAUSE = env.duration_or_zero("RESEND_PAUSE", "1m")
RATE_LIMIT_FORGOT = env.parsed("RATE_LIMIT_FORGOT", "1/m,5/h", rate_parser("forgot"), RATE_HELP)

# Wrong passwords, by account and address at a login and by account at the other prompts: so many, then a wait that doubles.
RATE_LIMIT_WRONG_PASSWORDS = env.parsed(
    "RATE_LIMIT_WRONG_PASSWORDS", "5/5m", single_rate_parser("wrong-passwords"), SINGLE_RATE_HELP
)
WRONG_PASSWORD_FIRST_WAIT = env.duration("WRONG_PASSWORD_FIRST_WAIT", "30s")
WRONG_PASSWORD_MAX_WAIT = env.duration("WRONG_PASSWORD_MAX_WAIT", "15m")
if WRONG_PASSWORD_FIRST_WAIT > WRONG_PASSWORD_MAX_WAIT:
    raise env.BadVariable("WRONG_PASSWORD_FIRST_WAIT", "must not be longer than WRONG_PASSWORD_MAX_WAIT")

# Wrong codes, counted in the database: of each code, and of all codes of an account.
MAX_CODE_TRIES = env.integer("MAX_CODE_TRIES", 5, minimum=1, maximum=100)
RATE_LIMIT_CODES = env.parsed("RATE_LIMIT_CODES", "10/h", single_rate_parser("codes"), SINGLE_RATE_HELP)
