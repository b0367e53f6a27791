"""The Node peers: better-auth with sessions in PostgreSQL or Redis, and the simplest server that supports revocation."""

from dataclasses import replace
from pathlib import Path

from benchmarks.contender import BCRYPT_ROUNDS, PASSWORD, Contender, Kind, as_json, bearing
from benchmarks.load.plan import Request


def node_peers(folder: Path | None) -> list[Contender]:
    """Return no peers without Node."""
    if folder is None:
        return []
    return [
        _better_auth(folder, "better_auth", "better-auth, PostgreSQL", {}),
        _better_auth(folder, "better_auth_redis", "better-auth, Redis", {"SECONDARY_STORAGE": "redis"}),
        _express(folder),
    ]


def _peer(folder: Path, name: str, label: str, program: str, variables: dict[str, str]) -> Contender:
    return Contender(
        name=name,
        label=label,
        kind=Kind.PEER,
        command=lambda port, _threads: ["env", f"PORT={port}", "node", program],
        folder=folder,
        environment={"NODE_ENV": "production", "BCRYPT_ROUNDS": str(BCRYPT_ROUNDS)} | variables,
        has_threads=False,
        is_seeded_by_requests=True,
    )


def _better_auth(folder: Path, name: str, label: str, variables: dict[str, str]) -> Contender:
    account = {"username": "new{number}", "name": "new{number}", "email": "new{number}@example.com"}
    return replace(
        _peer(folder, name, label, "better_auth.mjs", variables),
        me=Request("GET", "/api/auth/get-session", bearing()),
        login=Request("POST", "/api/auth/sign-in/username", body=as_json(username="user{number}", password=PASSWORD)),
        register=Request("POST", "/api/auth/sign-up/email", body=as_json(**account, password=PASSWORD)),
        logout=Request("POST", "/api/auth/sign-out", bearing(), body="{}"),
        access="token",
    )


def _express(folder: Path) -> Contender:
    account = {"username": "new{number}", "email": "new{number}@example.com"}
    return replace(
        _peer(folder, "express", "Express, JWT and Redis", "express.mjs", {}),
        me=Request("GET", "/me", bearing()),
        login=Request("POST", "/login", body=as_json(username="user{number}", password=PASSWORD)),
        refresh=Request("POST", "/refresh", body=as_json(refresh="{token}")),
        register=Request("POST", "/register", body=as_json(**account, password=PASSWORD)),
        logout=Request("POST", "/logout", bearing(), body="{}"),
    )
