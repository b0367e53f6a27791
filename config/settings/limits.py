"""Rate limits. `RATE_LIMITS=off` disables all but the limits on wrong codes."""

from core.environment import env
from core.throttling.rates import RATE_HELP, SINGLE_RATE_HELP, rate_parser, single_rate_parser

RATE_LIMITS = env.boolean("RATE_LIMITS", default=True)

# Per IP: all requests to these paths, whether or not they succeed.
RATE_LIMIT_LOGIN = env.parsed("RATE_LIMIT_LOGIN", "30/m", rate_parser("login"), RATE_HELP)
RATE_LIMIT_REGISTER = env.parsed("RATE_LIMIT_REGISTER", "20/h", rate_parser("register"), RATE_HELP)
RATE_LIMIT_ANONYMOUS = env.parsed("RATE_LIMIT_ANONYMOUS", "60/m", rate_parser("public"), RATE_HELP)
RATE_LIMIT_BAD_TOKENS = env.parsed("RATE_LIMIT_BAD_TOKENS", "60/m", rate_parser("bad-tokens"), RATE_HELP)
# Per user: password hashes of prompts for the current password and of resets; a password change computes two.
RATE_LIMIT_HASHES = env.parsed("RATE_LIMIT_HASHES", "10/m", rate_parser("hashes"), RATE_HELP)
# Per user: requests that change something. Those that end sessions count per session: core.throttling.write_throttle.
RATE_LIMIT_WRITES = env.parsed("RATE_LIMIT_WRITES", "120/m", rate_parser("writes"), RATE_HELP)
RATE_LIMIT_EXPORT = env.parsed("RATE_LIMIT_EXPORT", "5/h", rate_parser("export"), RATE_HELP)
# Per session.
RATE_LIMIT_REFRESH = env.parsed("RATE_LIMIT_REFRESH", "60/m", rate_parser("refresh"), RATE_HELP)
# Per recipient.
RATE_LIMIT_RESEND = env.parsed("RATE_LIMIT_RESEND", "5/h", rate_parser("resend"), RATE_HELP)
RESEND_PAUSE = env.duration_or_zero("RESEND_PAUSE", "1m")
RATE_LIMIT_FORGOT = env.parsed("RATE_LIMIT_FORGOT", "1/m,5/h", rate_parser("forgot"), RATE_HELP)
RATE_LIMIT_LOGIN_CODES = env.parsed("RATE_LIMIT_LOGIN_CODES", "1/m,20/h", rate_parser("login-codes"), RATE_HELP)

# Wrong passwords, per account and IP at a login and per account at other prompts; past the limit, a wait that doubles.
RATE_LIMIT_WRONG_PASSWORDS = env.parsed(
    "RATE_LIMIT_WRONG_PASSWORDS", "5/5m", single_rate_parser("wrong-passwords"), SINGLE_RATE_HELP
)
WRONG_PASSWORD_FIRST_WAIT = env.duration("WRONG_PASSWORD_FIRST_WAIT", "30s")
WRONG_PASSWORD_MAX_WAIT = env.duration("WRONG_PASSWORD_MAX_WAIT", "15m")
if WRONG_PASSWORD_FIRST_WAIT > WRONG_PASSWORD_MAX_WAIT:
    raise env.BadVariable("WRONG_PASSWORD_FIRST_WAIT", "must not be longer than WRONG_PASSWORD_MAX_WAIT")

# Wrong codes, counted in the database: per code, and per account.
MAX_CODE_TRIES = env.integer("MAX_CODE_TRIES", 5, minimum=1, maximum=100)
RATE_LIMIT_CODES = env.parsed("RATE_LIMIT_CODES", "10/h", single_rate_parser("codes"), SINGLE_RATE_HELP)
