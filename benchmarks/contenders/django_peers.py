"""The Django peers: small projects below peers/, all served by the same server."""

from dataclasses import replace
from pathlib import Path

from benchmarks import installed
from benchmarks.contender import BCRYPT_ROUNDS, PASSWORD, Command, Contender, Kind, as_json, bearing
from benchmarks.load.plan import Request

_LOGIN = as_json(username="user{number}", password=PASSWORD)
_SESSION = {"X-Session-Token": "{token}"}


def django_peers(python: Path) -> list[Contender]:
    return [
        _djoser(python),
        _simplejwt(python),
        _dj_rest_auth(python),
        _knox(python),
        _allauth_session(python),
        _allauth_jwt(python, "stateless"),
        _allauth_jwt(python, "stateful"),
    ]


def served_by_granian(python: Path, *application: str, port: int, threads: int) -> Command:
    """Use granian's WSGI interface, the fastest server for them. It loses bytes above 127, which no load here sends."""
    server = ["-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "1", "--host", "127.0.0.1"]
    return [python, *server, "--port", str(port), "--blocking-threads", str(threads), *application]


def _peer(python: Path, name: str, label: str, project: str, variables: dict[str, str] | None = None) -> Contender:
    factory = ("--factory", "django.core.wsgi:get_wsgi_application")
    own = {"DJANGO_SETTINGS_MODULE": f"{project}.settings", "PYTHONPATH": str(installed.PEERS)}
    return Contender(
        name=name,
        label=label,
        kind=Kind.PEER,
        command=lambda port, threads: served_by_granian(python, *factory, port=port, threads=threads),
        folder=installed.PEERS,
        environment=own | {"BCRYPT_ROUNDS": str(BCRYPT_ROUNDS)} | (variables or {}),
        prepare=[[python, "-m", "django", "migrate", "--verbosity", "0"], [python, "seed.py"]],
    )


def _djoser(python: Path) -> Contender:
    return replace(
        _peer(python, "djoser", "djoser + SimpleJWT", "with_djoser"),
        me=Request("GET", "/auth/users/me/", bearing()),
        login=Request("POST", "/auth/jwt/create/", body=_LOGIN),
        refresh=Request("POST", "/auth/jwt/refresh/", body=as_json(refresh="{token}")),
        register=Request("POST", "/auth/users/", body=_sign_up("password")),
        logout=Request("POST", "/auth/jwt/blacklist/", body=as_json(refresh="{other}")),
    )


def _simplejwt(python: Path) -> Contender:
    return replace(
        _peer(python, "simplejwt", "SimpleJWT", "with_simplejwt"),
        me=Request("GET", "/me/", bearing()),
        login=Request("POST", "/token/", body=_LOGIN),
        refresh=Request("POST", "/token/refresh/", body=as_json(refresh="{token}")),
        logout=Request("POST", "/token/blacklist/", body=as_json(refresh="{other}")),
    )


def _dj_rest_auth(python: Path) -> Contender:
    return replace(
        _peer(python, "dj_rest_auth", "dj-rest-auth + SimpleJWT", "with_dj_rest_auth"),
        me=Request("GET", "/auth/user/", bearing()),
        login=Request("POST", "/auth/login/", body=_LOGIN),
        refresh=Request("POST", "/auth/token/refresh/", body=as_json(refresh="{token}")),
        register=Request("POST", "/auth/registration/", body=_sign_up("password1", "password2")),
        logout=Request("POST", "/auth/logout/", bearing(), body=as_json(refresh="{other}")),
    )


def _knox(python: Path) -> Contender:
    return replace(
        _peer(python, "knox", "django-rest-knox", "with_knox"),
        me=Request("GET", "/me/", bearing("Token")),
        login=Request("POST", "/login/", body=_LOGIN),
        logout=Request("POST", "/logout/", bearing("Token")),
        access="token",
    )


def _allauth_session(python: Path) -> Contender:
    return replace(
        _peer(python, "allauth_session", "allauth headless, session", "with_allauth"),
        me=Request("GET", "/_allauth/app/v1/auth/session", _SESSION),
        login=_ALLAUTH_LOGIN,
        register=_ALLAUTH_REGISTER,
        logout=Request("DELETE", "/_allauth/app/v1/auth/session", _SESSION),
        logout_status=_ALLAUTH_LOGGED_OUT,
        access="session_token",
    )


def _allauth_jwt(python: Path, form: str) -> Contender:
    variables = {"ALLAUTH_JWT": form}
    return replace(
        _peer(python, f"allauth_{form}", f"allauth headless, JWT {form}", "with_allauth", variables),
        me=Request("GET", "/me/", bearing()),
        login=_ALLAUTH_LOGIN,
        register=_ALLAUTH_REGISTER,
        logout_status=_ALLAUTH_LOGGED_OUT,
        refresh=Request("POST", "/_allauth/app/v1/tokens/refresh", body=as_json(refresh_token="{token}")),
        logout=Request("DELETE", "/_allauth/app/v1/auth/session", bearing()),
        access="access_token",
        refresh_token="refresh_token",
    )


def _sign_up(*passwords: str) -> str:
    fields = {"username": "new{number}", "email": "new{number}@example.com"}
    return as_json(**fields, **dict.fromkeys(passwords, PASSWORD))


_ALLAUTH_LOGIN = Request("POST", "/_allauth/app/v1/auth/login", body=_LOGIN)
_ALLAUTH_REGISTER = Request("POST", "/_allauth/app/v1/auth/signup", body=_sign_up("password"))
_ALLAUTH_LOGGED_OUT = 401  # it returns 401 after a successful logout
