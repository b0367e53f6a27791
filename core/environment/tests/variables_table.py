# ruff: noqa: FBT003, S108 - the values are data
"""Each variable with unusual and hostile values, and the resulting setting or error."""

from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from core.paths import BASE_DIR
from core.testing.fresh_settings import PRODUCTION
from core.throttling.rates import Limit

STRONG = "w7Yb2QpZr9Xk4TnJ6sVd1LmGf8HcAeUiOoRtEyWq"
OTHER_STRONG = "v3Nc8KdWz5Bq2RfM7xHt0SjPg9LyCaUeIoTrEwZk"
WEAK_SECRETS = (
    "secret", "a" * 64, "your_secret_key_here_1234567890abcdef", " " + STRONG, "#" + STRONG, f"{STRONG} # mine",
    "required when DEBUG is off: openssl rand -base64 48", f"{STRONG}\n{STRONG}",
)  # fmt: skip
BAD_NUMBERS = ("x", "-1", "1.5", "1e9", "0x10", "1_0", "9" * 50, "9" * 5000, "٣", "1 # one")
BAD_DURATIONS = ("15", "-1m", "1.5h", "15 m", "15w", "1e9s", "999999999d", "soon", "15m # minutes")
BAD_RATES = ("thirty", "0/m", "30", "30/min", "30/0m", "-1/m", "1e3/m", "30/m;5/h", "5/m,10/m", "30/m # of them")
BAD_BOOLEANS = ("maybe", "2", "онн", "off # not yet")
BAD_NETWORKS = (
    "10.0.0.1/8",
    "10.0.0.0/33",
    "proxy",
    "*",
    "::ffff:0:0/90",
    "10.0.0.0/8 172.16.0.0/12",
    "fe80::1%eth0/64",
)


@dataclass(frozen=True)
class Row:
    """`expected` has the settings after a start, or is None if the start fails."""

    variable: str
    value: str
    expected: dict[str, Any] | None = None
    others: dict[str, str | None] = field(default_factory=dict)


def refused(variable: str, *values: str, **others: str | None) -> list[Row]:
    return [Row(variable, value, None, others) for value in values]


def accepted(variable: str, value: str, expected: Any, *, setting: str = "", **others: str | None) -> Row:
    return Row(variable, value, {setting or variable: expected}, others)


ROWS = [
    *refused("DEBUG", *BAD_BOOLEANS),
    accepted("DEBUG", "TRUE", True),
    accepted("DEBUG", "off\r", False),
    *[
        row
        for name in ("SECRET_KEY", "JWT_SECRET_KEY", "JWT_REFRESH_SECRET")
        for row in (*refused(name, *WEAK_SECRETS), accepted(name, f"{STRONG} \r\n", STRONG))
    ],
    *refused("JWT_REFRESH_SECRET", PRODUCTION["JWT_SECRET_KEY"]),
    accepted("JWT_PRIVATE_KEYS", "/keys, /other.pem", ["/keys", "/other.pem"]),
    *refused("JWT_PRIVATE_KEYS", " /keys", "/keys # of this node"),
    *refused(
        "ALLOWED_HOSTS",
        *("https://auth.example.com", "auth.example.com/x", "me@auth.example.com", "*", ".", "auth.example.com,*", ","),
        *("*.example.com", "web_1", "auth example.com", "auth..com", "10.0.0.256", "auth.example.com:http", "[::1", "xn--\u00e9"),
    ),
    accepted("ALLOWED_HOSTS", "Auth.Example.COM., münchen.example", ["auth.example.com", "xn--mnchen-3ya.example"]),
    accepted("ALLOWED_HOSTS", "auth.example.com:8443,.example.com", ["auth.example.com", ".example.com"]),
    accepted("ALLOWED_HOSTS", "::1,[::1]:8000,127.0.0.1:80", ["[::1]", "[::1]", "127.0.0.1"]),
    accepted("ALLOWED_HOSTS", "*", ["*"], DEBUG="on"),
    *refused(
        "DATABASE_URL",
        *("mysql://me:s3cret@db/x", "postgres://me:s3/cret@db:port/x", "postgres://me:s3cret@db", "s3cret"),
        *("postgres://me:s3cret@db/x?sslmod=require", "postgres://me:s3cret@db/x?sslmode=requre"),
        *("sqlite://", "sqlite://:memory:", "sqlite:////missing/folder/db", "sqlite:////tmp"),
        *("postgres://vestibule:password@db.internal:5432/vestibule", "postgres://me:your_password@db/x"),
        "postgres://me@db/x?password=your_password",
    ),
    *refused(
        "DATABASE_URL",
        *(f"postgres://me:s3cret@db/x?{option}" for option in (
            "connect_timeout=soon", "keepalives_idle=-1", "tcp_user_timeout=1.5", "target_session_attrs=standby", "gssencmode=on",
            "channel_binding=yes", "ssl_min_protocol_version=1.2", "load_balance_hosts=yes", "client_encoding=latin1",
            "sslmode=verify-full", "sslmode=verify-full&sslrootcert=/missing.pem", "sslcert=/missing.pem", "sslkey=/missing.pem",
            "keep=0", "prepare_threshold=5", "isolation_level=serializable", "server_side_binding=true", "CONN_MAX_AGE=60",
            "AUTOCOMMIT=false", "dbname=y", "user=you", "password=hunter2", "host=other", "replication=1", "service=other",
            "sslmode=require&sslmode=disable", "application_name=a#b",
        )),
        *("postgres://me:s3cret@a..b/x", "postgres://me:s3cret@h%20h/x", "postgres://me:s3cret@db:0/x", "postgres://me:s3cret%ff@db/x"),
        *("postgres://me:s3cret@db/x#y", f"postgres://me:s3cret@db/{'x' * 64}", "postgres://me:s3cret@one,..,two/x"),
        *("sqlite://tmp/x", "sqlite:////tmp/a?b", "sqlite:////tmp/a?y=1", "sqlite:////tmp/a?timeout=x"),
        *("sqlite:////dev/null", "sqlite:////tmp/a%00b", "sqlite:////"),
    ),
    accepted("DATABASE_URL", "postgres://u:p#w@münchen.example/x", "xn--mnchen-3ya.example",
             setting="DATABASES.default.HOST"),
    accepted("DATABASE_URL", "postgres://u@[::1]:5432/x?connect_timeout=5", "::1", setting="DATABASES.default.HOST"),
    accepted("DATABASE_URL", "sqlite:////tmp/a+b.db?timeout=30", "/tmp/a+b.db", setting="DATABASES.default.NAME"),
    accepted("DATABASE_URL", "sqlite:///x.db", f"{BASE_DIR}/x.db", setting="DATABASES.default.NAME"),
    accepted("DATABASE_URL", "postgres://u@%2FVar%2Frun/db", "/Var/run", setting="DATABASES.default.HOST"),
    accepted("DATABASE_URL", "postgres:///db?host=/run/postgresql", "/run/postgresql", setting="DATABASES.default.OPTIONS.host"),
    accepted("DATABASE_URL", "postgres://u:p%40ss%2F@db/x?sslmode=verify-ca&sslrootcert=system", "p@ss/",
             setting="DATABASES.default.PASSWORD"),
    accepted("DATABASE_URL", "postgres://u@one,two/x", "one,two", setting="DATABASES.default.HOST"),
    accepted("DATABASE_URL", "sqlite:////tmp/a%20b.db", "/tmp/a b.db", setting="DATABASES.default.NAME"),
    *refused("REDIS_URL", "http://redis", "redis://:s3cret@redis:port/0", "redis://:password@redis.internal:6379/0"),
    accepted("CELERY_BROKER_URL", "redis://:hunter2@broker:6379/1", "redis://:hunter2@broker:6379/1"),
    *refused("CELERY_BROKER_URL", "redis://h?password=changeme", "amqp://u:hunter2@h;amqp://u:your_password@b",
             "rediss://:password@redis.internal:6379/1", " redis://broker"),
    accepted("DATABASE_PREPARE", "no", None, setting="DATABASES.default.OPTIONS.prepare_threshold"),
    *refused("DATABASE_PREPARE", *BAD_BOOLEANS),
    *refused(
        "PUBLIC_URL",
        *("auth.example.com", "ftp://auth.example.com", "javascript:alert(1)", "https://", "https://a:99999", "https://a:0"),
        *("https://me:s3cret@auth.example.com", "https://auth.example.com/sso", "https://auth.example.com?x", "https://a\\b"),
        *("https://auth.example.com#", "https://a b", "https://a..b", "https://1.2.3.400", "https://[::1", "//auth.example.com"),
    ),
    accepted("PUBLIC_URL", "HTTPS://Auth.Example.com:443/", "https://auth.example.com"),
    accepted("PUBLIC_URL", "https://münchen.example:8443", "https://xn--mnchen-3ya.example:8443"),
    accepted("PUBLIC_URL", "http://[::1]:80", "http://[::1]"),
    *refused("FRONTEND_URL", "https://me:s3cret@app.example.com", "https://app.example.com/?x=1", "https://app.example.com/#/"),
    accepted("FRONTEND_URL", "https://App.example.com/sign-in/été/", "https://app.example.com/sign-in/%C3%A9t%C3%A9"),
    *refused(
        "EMAIL_URL",
        *("nonsense", "smtp://", "smtp://me:s3cret@mail:port", "smtp://me:s3cret@mail:0", "smtp://me:s3cret@mail:99999"),
        *("smtp://me@mail", "smtp://:s3cret@mail", "smtp://me:s3cr%C3%A9t@mail", "smtp://me:s3cret%0D@mail", "smtp://mé:s3cret@mail"),
        *("smtp://me:12#s3cret@mail", "smtp://me:s3cret@mail?tls=1", "smtp://me:s3/cret@mail", "smtp://mail/folder", "smtp://a..b"),
        *("mailbox://", "file://", "file://var/mail", "file:///dev/null", "file:///dev/null/mail", "console://mail", "smpt://mail"),
        *("smtp+tls://user:password@smtp.example.com:587", "smtp://me:your_password@mail", "carrierpigeon://"),
        "resend://re_123@", "resend://re_123",
        *("smtp+tls://me:s3cret@mail:465", "smtp://me:s3cret@mail:465", "smtp+ssl://me:s3cret@mail:587", "smtp+ssl://mail:25"),
    ),
    *refused("MAILGUN_SENDER_DOMAIN", "https://mg.acme.test", "mg.acme.test/v3", "..", "mg acme", "a/b", EMAIL_URL="mailgun://",
             MAILGUN_API_KEY="key-4f1a"),
    accepted("MAILGUN_SENDER_DOMAIN", "MG.counterexample.test", "mg.counterexample.test", EMAIL_URL="mailgun://",
             MAILGUN_API_KEY="key-4f1a", setting="ANYMAIL.MAILGUN_SENDER_DOMAIN"),
    accepted("EMAIL_URL", "SMTP+SSL://me:a%3Fb%23c%2Fd@münchen.example", "a?b#c/d", setting="EMAIL_HOST_PASSWORD"),
    accepted("EMAIL_URL", "smtp+ssl://münchen.example", "xn--mnchen-3ya.example", setting="EMAIL_HOST"),
    accepted("EMAIL_URL", "smtp://[::1]:2525", "::1", setting="EMAIL_HOST"),
    accepted("EMAIL_URL", "file:///tmp/a%20b/c", "/tmp/a b/c", setting="EMAIL_FILE_PATH"),
    *refused("RESEND_API_KEY", "re_your_resend_api_key", "re 123", "ré_123", " re_123", "re_123 # key", EMAIL_URL="resend://"),
    *refused(
        "DEFAULT_FROM_EMAIL",
        *("Acme", "Acme <>", "Acme <a@example.com", "a@b@example.com", "a@example.com, b@example.com", "é@example.com"),
        *("a@", "@example.com", "a@intranet", "a b@example.com", "Acme <a@example.com> x", "Acme\n<a@example.com>"),
        f"{'a' * 65}@example.com",
    ),
    accepted("DEFAULT_FROM_EMAIL", "Acme, Inc. <a@example.com>", '"Acme, Inc." <a@example.com>'),
    accepted("DEFAULT_FROM_EMAIL", '"Acme, Inc." <a@example.com>', '"Acme, Inc." <a@example.com>'),
    accepted("DEFAULT_FROM_EMAIL", "Société <a@münchen.example>", "Société <a@xn--mnchen-3ya.example>"),
    accepted("DEFAULT_FROM_EMAIL", "Team #1 <a@example.com>", "Team #1 <a@example.com>"),
    *refused(
        "CORS_ALLOWED_ORIGINS",
        *("*", "null", "app.example.com", "https://*.example.com", "https://app.example.com/x", "https://app.example.com?x"),
        *("https://me:s3cret@app.example.com", "https://app.example.com:0", "ftp://app.example.com", "https://a b", "https://a#"),
    ),
    accepted("CORS_ALLOWED_ORIGINS", "HTTPS://App.Example.com:443/", ["https://app.example.com"]),
    accepted("CORS_ALLOWED_ORIGINS", "https://münchen.example,http://x:80", ["https://xn--mnchen-3ya.example", "http://x"]),
    accepted("CORS_ALLOWED_ORIGINS", "http://x:443,https://x:80", ["http://x:443", "https://x:80"]),
    accepted("CORS_ALLOWED_ORIGINS", "http://[0:0::1]:3000,tauri://localhost", ["http://[::1]:3000", "tauri://localhost"]),
    *refused("CORS_ALLOWED_HEADERS", "*", "x tenant", "x:y", "Cookie", "host", "content-length", "Sec-Fetch-Site", "proxy-x"),
    accepted("CORS_ALLOWED_HEADERS", "X-Tenant, ,", "x-tenant", setting="CORS_ALLOW_HEADERS.-1"),
    *refused(
        "CHANGE_PASSWORD_URL",
        *("http://app.example.com", "//app.example.com", "https://a..b", "https://x%0d%0a", "https://300.1.1.1", "https://."),
        *("/.well-known/change-password", "https://Auth.example.com/.well-known/change-password/", "settings", "https://a\\b"),
    ),
    accepted("CHANGE_PASSWORD_URL", "HTTPS://München.example:443/a?b#/c", "https://xn--mnchen-3ya.example/a?b#/c"),
    *refused("WEBAUTHN_RP_ID", "https://example.com", "example.com:443", "com", "192.0.2.7", "[::1]", "a..b", "*.example.com"),
    accepted("WEBAUTHN_RP_ID", "München.Example.", "xn--mnchen-3ya.example"),
    accepted("WEBAUTHN_RP_ID", "localhost", "localhost"),
    # Browsers accept no IP: on one's own computer `localhost` stands for it, in the origins too.
    accepted("FRONTEND_URL", "http://127.0.0.1:3000", "localhost", setting="WEBAUTHN_RP_ID", DEBUG="on"),
    accepted("FRONTEND_URL", "http://[::1]:3000", ["http://localhost:3000", "http://localhost:8000"],
             setting="WEBAUTHN_ORIGINS", DEBUG="on"),
    accepted("PORT", "9000", ["http://localhost:9000"], setting="WEBAUTHN_ORIGINS", DEBUG="on", FRONTEND_URL=None),
    accepted("FRONTEND_URL", "https://App.Example.com:8443/shop", "app.example.com", setting="WEBAUTHN_RP_ID"),
    accepted("FRONTEND_URL", "https://app.example.com:8443/shop", ["https://app.example.com:8443"],
             setting="WEBAUTHN_ORIGINS"),
    accepted("PUBLIC_URL", "https://auth.example.com", ["https://app.example.com", "https://auth.example.com"],
             setting="WEBAUTHN_ORIGINS", WEBAUTHN_RP_ID="example.com"),
    accepted("FRONTEND_URL", "https://app.example.com", "https://app.example.com/account/passkeys",
             setting="PASSKEY_MANAGE_URL"),
    *refused("WEBAUTHN_RP_NAME", "Acme\nBcc: x", "x" * 101),
    accepted("WEBAUTHN_RP_NAME", "Señor & Co", "Señor & Co"),
    *refused(
        "WEBAUTHN_ORIGINS",
        *("example.com", "https://a.example/path", "*", "null", "android:apk-key-hash:short"),
        "android:apk-key-hash:" + "=" * 43,
    ),
    accepted(
        "WEBAUTHN_ORIGINS",
        f"https://Shop.example.net:443, android:apk-key-hash:{'a' * 43}",
        ["https://app.example.com", "https://shop.example.net", f"android:apk-key-hash:{'a' * 43}"],
    ),
    # Only origins on the domain of the RP ID may use the passkeys without being listed.
    accepted(
        "CORS_ALLOWED_ORIGINS",
        "https://other.example.com,https://x.app.example.com,https://evilapp.example.com,app://app.example.com",
        ["https://app.example.com", "https://x.app.example.com"],
        setting="WEBAUTHN_ORIGINS",
    ),
    *refused("PASSKEY_ENROLL_URL", "/account", "https://u@app.example.com"),
    *refused("PASSKEY_MANAGE_URL", "/account", "ftp://app.example.com"),
    accepted("PASSKEY_ENROLL_URL", "https://app.example.com/keys/", "https://app.example.com/keys"),
    accepted("PASSKEY_MANAGE_URL", "https://app.example.com/keys/", "https://app.example.com/keys"),
    *refused("TRUSTED_PROXIES", *BAD_NETWORKS),
    accepted("TRUSTED_PROXIES", "::ffff:10.0.0.0/104,::ffff:10.1.2.3", [ip_network("10.0.0.0/8"), ip_network("10.1.2.3")]),
    accepted("TRUSTED_PROXIES", "10.1.2.3 , fd00::/8,", [ip_network("10.1.2.3"), ip_network("fd00::/8")]),
    *[
        row
        for name in ("JWT_ACCESS_EXPIRY", "JWT_REFRESH_EXPIRY", "SESSION_MAX_AGE", "AUDIT_RETENTION", "HISTORY_RETENTION",
                     "REAUTHENTICATION_MAX_AGE", "ADMIN_SESSION_MAX_AGE", "ADMIN_SESSION_IDLE",
                     "VERIFICATION_CODE_LIFETIME", "WRONG_PASSWORD_FIRST_WAIT", "WRONG_PASSWORD_MAX_WAIT")
        for row in (*refused(name, "0", *BAD_DURATIONS), accepted(name, "5m\r", timedelta(minutes=5)))
    ],
    # An access token never outlives its session, so these three need not be in order.
    accepted("JWT_ACCESS_EXPIRY", "30d", timedelta(days=30)),
    accepted("SESSION_MAX_AGE", "1m", timedelta(minutes=1)),
    *refused("VERIFICATION_CODE_LIFETIME", "59s"),
    *refused("HISTORY_RETENTION", "299s", "4m"),
    *refused("UNVERIFIED_ACCOUNT_LIFETIME", "14m", "0", *BAD_DURATIONS),
    accepted("UNVERIFIED_ACCOUNT_LIFETIME", "15m\r", timedelta(minutes=15)),
    *refused("WRONG_PASSWORD_FIRST_WAIT", "16m"),
    *[
        row
        for name in ("REFRESH_REUSE_GRACE", "REJECTED_REQUEST_RETENTION", "RESEND_PAUSE")
        for row in (*refused(name, *BAD_DURATIONS), accepted(name, "0", timedelta(0)))
    ],
    *refused("REFRESH_REUSE_GRACE", "7d", "11m"),
    *refused("ADMIN_SESSION_MAX_AGE", "59s"),
    *refused("ADMIN_SESSION_IDLE", "59s", "13h"),
    # A default is adapted to the variable that is set.
    accepted("ADMIN_SESSION_MAX_AGE", "30m", timedelta(hours=1), setting="ADMIN_SESSION_IDLE"),
    *[
        row
        for name in ("JWT_ISSUER", "JWT_AUDIENCE")
        for row in (*refused(name, "one two", "one,two", " one", "#one", "x" * 201), accepted(name, "", "vestibule"))
    ],
    *[
        row
        for name, least, maximum in (
            ("MAX_SESSIONS_PER_USER", 0, 2**31 - 1), ("HASH_CONCURRENCY", 1, 256), ("HASH_QUEUE_SIZE", 0, 10_000),
            ("BCRYPT_ROUNDS", 4, 16), ("MAX_CODE_TRIES", 1, 100), ("WEB_THREADS", 1, 1000),
        )
        for row in (
            *refused(name, *BAD_NUMBERS, str(least - 1), str(maximum + 1)),
            accepted(name, str(least), least),
            accepted(name, str(maximum), maximum),
        )
    ],
    *refused("WORKER_CONCURRENCY", *BAD_NUMBERS, "0", "513"),
    accepted("WORKER_CONCURRENCY", "3", 3, setting="CELERY_WORKER_CONCURRENCY"),
    *refused("BCRYPT_ROUNDS", "3", "32"),
    *refused("HSTS_SECONDS", *BAD_NUMBERS),
    accepted("HSTS_SECONDS", "0", 0, setting="SECURE_HSTS_SECONDS"),
    *refused("PORT", *BAD_NUMBERS, "0", "65536", DEBUG="on"),
    accepted("PORT", "9000", "http://localhost:9000", setting="PUBLIC_URL", DEBUG="on", FRONTEND_URL=None),
    *refused("HOST", "[::1]", "a b", "*", "http://x", "/run/web.sock", "300.1.1.1", DEBUG="on", FRONTEND_URL=None),
    accepted("HOST", "::1", "http://localhost:8000", setting="PUBLIC_URL", DEBUG="on", FRONTEND_URL=None),
    accepted("HOST", "0.0.0.0", "http://localhost:8000", setting="PUBLIC_URL", DEBUG="on", FRONTEND_URL=None),
    *refused("COOKIE_SAMESITE", "laxly", "None;", "lax # default"),
    accepted("COOKIE_SAMESITE", "NONE", "None"),
    *refused(
        "COOKIE_DOMAIN",
        *("com", "localhost", "example.org", "ample.com", "auth.example.com.evil.com", "127.0.0.1", "[::1]", "example.com:443"),
        *("https://example.com", "example.com/", "*.example.com", "..example.com"),
    ),
    accepted("COOKIE_DOMAIN", ".Example.com", ".example.com"),
    accepted("COOKIE_DOMAIN", "münchen.example", "xn--mnchen-3ya.example", ALLOWED_HOSTS="auth.münchen.example"),
    accepted("COOKIE_DOMAIN", "", None),
    *refused("COOKIE_DOMAIN", "10.0.0.1", ALLOWED_HOSTS="10.0.0.1"),
    *refused("EMAIL_VERIFICATION", "off", "mandatory # default"),
    accepted("EMAIL_VERIFICATION", "None", "none"),
    *[
        row
        for name in ("PREVENT_ENUMERATION", "PASSWORD_REJECT_COMMON", "PASSWORD_COMPOSITION", "REQUIRE_ADMIN_MFA", "RATE_LIMITS",
                     "LOGIN_CODES")
        for row in (*refused(name, *BAD_BOOLEANS), accepted(name, "Yes", True), accepted(name, "0", False))
    ],
    *refused("PASSWORD_CONTEXT_WORDS", " Acme", "#Acme", "Acme  # the product"),
    accepted("PASSWORD_CONTEXT_WORDS", "Acme, Rocket,", ["Acme", "Rocket"]),
    *refused("RESERVED_USERNAMES", "admin,ad min", "@admin", "Ädmin", "admin;root"),
    accepted("RESERVED_USERNAMES", "Admin, ROOT", ["admin", "root"]),
    *[
        row
        for name in ("RATE_LIMIT_LOGIN", "RATE_LIMIT_REGISTER", "RATE_LIMIT_ANONYMOUS", "RATE_LIMIT_BAD_TOKENS",
                     "RATE_LIMIT_REFRESH", "RATE_LIMIT_FORGOT", "RATE_LIMIT_RESEND", "RATE_LIMIT_HASHES",
                     "RATE_LIMIT_WRITES", "RATE_LIMIT_EXPORT", "RATE_LIMIT_LOGIN_CODES")
        for row in (*refused(name, *BAD_RATES), accepted(name, "OFF", ()))
    ],
    accepted("RATE_LIMIT_LOGIN", "1/m, 5/2h", (Limit("login-60", 1, 60), Limit("login-7200", 5, 7200))),
    *[
        row
        for name in ("RATE_LIMIT_WRONG_PASSWORDS", "RATE_LIMIT_CODES")
        for row in (*refused(name, "1/m,5/h", *BAD_RATES), accepted(name, "off", None))
    ],
    *refused("RECOVERY_DELAY", "0", *BAD_DURATIONS),
    accepted("RECOVERY_DELAY", "Off", None),
    accepted("RECOVERY_DELAY", "48h", timedelta(hours=48)),
    *refused("MFA_ENCRYPTION_KEYS", *WEAK_SECRETS[:-1], f"{STRONG},short"),
    accepted("MFA_ENCRYPTION_KEYS", f"{STRONG}, {OTHER_STRONG}", [STRONG, OTHER_STRONG]),
    *refused("GEOIP_PATH", "/missing.mmdb", "/tmp", "/etc/passwd", "/dev/null", " /x.mmdb"),
    accepted("GEOIP_PATH", "", ""),
    *refused("LOG_LEVEL", "verbose", "10", "info # default"),
    accepted("LOG_LEVEL", "WARNING", "WARNING", setting="LOGGING.root.level"),
    *refused("LOG_FORMAT", "xml"),
    accepted("LOG_FORMAT", "Text", "text"),
    *refused("PRODUCT_NAME", "Acme\nBcc: x", "Acme\x1b[0m", "Acme\u2028x", " Acme", "Acme  # ours", "Acme\udcff", "x" * 101),
    accepted("PRODUCT_NAME", 'O\'Neil & "Sons" <#1> %s {{ x }}', 'O\'Neil & "Sons" <#1> %s {{ x }}'),
    *refused("METRICS_TOKEN", *WEAK_SECRETS, f"{STRONG} x", f"{STRONG}é", STRONG * 26),
    accepted("METRICS_TOKEN", STRONG, STRONG),
    *refused("METRICS_ALLOWED", *BAD_NETWORKS),
    accepted("METRICS_ALLOWED", "::ffff:10.0.0.0/104", [ip_network("10.0.0.0/8")]),
]  # fmt: skip
