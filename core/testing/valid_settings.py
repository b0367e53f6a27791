"""Settings that pass `check --deploy`; each test of a check replaces one of them by a bad value."""

from ipaddress import ip_network
from typing import Any

from pytest_django import Settings

VALID: dict[str, Any] = {
    "DEBUG": False,
    "SECRET_KEY": "q8Zr1vJ0xW5tLk3nB7mYc2dF6hG4sPaEuTiOoRwV",
    "JWT_SECRET_KEY": "Zk2mX9cV4bN7qL1wE6rT3yU8iO5pA0sDfGhJkLzX",
    "JWT_REFRESH_SECRET": "Zk2mX9cV4bN7qL1wE6rT3yU8iO5pA0sDfGhJkLzX",
    "MFA_ENCRYPTION_KEYS": ["w7Yb2QpZr9Xk4TnJ6sVd1LmGf8HcAeUiOoRtEyWq"],
    "ALLOWED_HOSTS": ["auth.example.com"],
    "CORS_ALLOWED_ORIGINS": ["https://app.example.com"],
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "EMAIL_HOST_USER": "mailer",
    "EMAIL_USE_TLS": True,
    "EMAIL_USE_SSL": False,
    "FRONTEND_URL": "https://app.example.com",
    "PUBLIC_URL": "https://auth.example.com",
    "WEBAUTHN_RP_ID": "app.example.com",
    "WEBAUTHN_ORIGINS": ["https://app.example.com"],
    "TRUSTED_PROXIES": [ip_network("10.0.0.0/8")],
    "PREVENT_ENUMERATION": True,
    "RATE_LIMITS": True,
    "BCRYPT_ROUNDS": 12,
    "AUTH_PASSWORD_VALIDATORS": [{"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"}],
    "SECURE_HSTS_SECONDS": 31_536_000,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
}


def configure(settings: Settings, **bad: Any) -> None:
    for name, value in (VALID | bad).items():
        setattr(settings, name, value)
