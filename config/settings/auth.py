"""Accounts and tokens: user model, password rules, lifetimes, keys."""

from datetime import timedelta

from config.settings.debug import DEBUG
from config.settings.security import ALLOWED_HOSTS
from core.environment import env, geoip

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.admin_site.backend.PasswordBackend"]
SECRET_KEY = env.secret("SECRET_KEY", debug=DEBUG)

# Each round doubles the time of a hash: 16 takes about 3 seconds, 31 (the maximum of bcrypt) days.
BCRYPT_ROUNDS = env.integer("BCRYPT_ROUNDS", 12, minimum=4, maximum=16)
# Per web process; see accounts.passwords.hashing_limiter.
HASH_CONCURRENCY = env.integer("HASH_CONCURRENCY", 1, minimum=1, maximum=256)
HASH_QUEUE_SIZE = env.integer("HASH_QUEUE_SIZE", 40, maximum=10_000)
PASSWORD_HASHERS = ["accounts.passwords.hashers.BCryptHasher"]
PASSWORD_REJECT_COMMON = env.boolean("PASSWORD_REJECT_COMMON", default=not DEBUG)
PASSWORD_COMPOSITION = env.boolean("PASSWORD_COMPOSITION", default=True)
PASSWORD_CONTEXT_WORDS = env.words("PASSWORD_CONTEXT_WORDS", env.text("PRODUCT_NAME", "Vestibule"))
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.validators.CompositionValidator"},
    {"NAME": "accounts.passwords.validators.ContextWordsValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "email", "first_name", "last_name")},
    },
    *([{"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"}] if PASSWORD_REJECT_COMMON else []),
    {"NAME": "accounts.passwords.validators.EndSessionsOnChange"},
]

JWT_SECRET_KEY = env.secret("JWT_SECRET_KEY", debug=DEBUG)
JWT_REFRESH_SECRET = (
    env.secret("JWT_REFRESH_SECRET", debug=DEBUG) if env.is_set("JWT_REFRESH_SECRET") else JWT_SECRET_KEY
)
if not DEBUG:
    env.refuse_equal(
        ("SECRET_KEY", SECRET_KEY), ("JWT_SECRET_KEY", JWT_SECRET_KEY), ("JWT_REFRESH_SECRET", JWT_REFRESH_SECRET)
    )
    if env.is_set("JWT_REFRESH_SECRET"):
        env.refuse_equal(("JWT_SECRET_KEY", JWT_SECRET_KEY), ("JWT_REFRESH_SECRET", JWT_REFRESH_SECRET))
# PEM files or directories that sign access tokens instead of JWT_SECRET_KEY; accounts.tokens.keys reads them at startup.
JWT_PRIVATE_KEYS = env.words("JWT_PRIVATE_KEYS")
# How long other services may cache /.well-known/jwks.json.
JWKS_MAX_AGE = timedelta(minutes=5)
JWT_ISSUER = env.word("JWT_ISSUER", "vestibule")
JWT_AUDIENCE = env.word("JWT_AUDIENCE", "vestibule")
JWT_ACCESS_EXPIRY = env.duration("JWT_ACCESS_EXPIRY", "15m")
JWT_REFRESH_EXPIRY = env.duration("JWT_REFRESH_EXPIRY", "7d")
REFRESH_REUSE_GRACE = env.duration_or_zero("REFRESH_REUSE_GRACE", "10s")
if REFRESH_REUSE_GRACE >= JWT_REFRESH_EXPIRY:
    raise env.BadVariable("REFRESH_REUSE_GRACE", "must be shorter than JWT_REFRESH_EXPIRY; use a few seconds")
if timedelta(minutes=10) < REFRESH_REUSE_GRACE:
    raise env.BadVariable(
        "REFRESH_REUSE_GRACE", "must be 10m or less: the reuse of a stolen token is not detected within it"
    )
SESSION_MAX_AGE = env.duration("SESSION_MAX_AGE", "30d")
# How long a sign-in or a step-up permits sensitive operations.
REAUTHENTICATION_MAX_AGE = env.duration("REAUTHENTICATION_MAX_AGE", "10m")
MAX_SESSIONS_PER_USER = env.integer("MAX_SESSIONS_PER_USER", 20)
LAST_SEEN_WRITE_SECONDS: float | None = 5.0
GEOIP_PATH = env.parsed("GEOIP_PATH", "", geoip.city_database, geoip.EXPECTED)

EMAIL_VERIFICATION = env.choice("EMAIL_VERIFICATION", "mandatory", ("mandatory", "optional", "none"))
PREVENT_ENUMERATION = env.boolean("PREVENT_ENUMERATION", default=False)
UNVERIFIED_ACCOUNT_LIFETIME = env.duration("UNVERIFIED_ACCOUNT_LIFETIME", "7d")
VERIFICATION_CODE_LIFETIME = env.duration("VERIFICATION_CODE_LIFETIME", "15m")
if timedelta(minutes=1) > VERIFICATION_CODE_LIFETIME:
    raise env.BadVariable("VERIFICATION_CODE_LIFETIME", "must be a minute or more: emails give it in minutes")
VERIFICATION_LINK_LIFETIME = timedelta(hours=24)
RESET_TOKEN_LIFETIME = timedelta(hours=1)
INVITATION_LIFETIME = timedelta(days=7)
UNDO_EMAIL_CHANGE_LIFETIME = timedelta(hours=72)
if UNVERIFIED_ACCOUNT_LIFETIME < VERIFICATION_CODE_LIFETIME:
    raise env.BadVariable("UNVERIFIED_ACCOUNT_LIFETIME", "must not be shorter than VERIFICATION_CODE_LIFETIME")
RESERVED_USERNAMES = env.usernames(
    "RESERVED_USERNAMES", "admin,administrator,root,system,me,api,null,undefined,none,anonymous,support,security"
)

COOKIE_SAMESITE = env.choice("COOKIE_SAMESITE", "lax", ("lax", "strict", "none")).capitalize()
COOKIE_DOMAIN = env.cookie_domain("COOKIE_DOMAIN", ALLOWED_HOSTS)

AUDIT_RETENTION = env.duration("AUDIT_RETENTION", "180d")
# How long sent emails and ended sessions are kept, for support.
HISTORY_RETENTION = env.duration("HISTORY_RETENTION", "30d")
if timedelta(minutes=5) > HISTORY_RETENTION:
    raise env.BadVariable(
        "HISTORY_RETENTION", "must be five minutes or more: a session keeps its passkey's challenge used up"
    )
