"""The location of a session comes from a GeoIP database file, which may be damaged while the service runs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import RequestFactory
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]
from pytest_django import Settings

from accounts.testing.api_client import SignedIn
from core.environment import geoip
from core.environment.env import BadVariable
from core.testing.fresh_settings import PRODUCTION, load
from sessions_tracking import client_info

LYON = {"city": {"names": {"en": "Lyon"}}, "country": {"iso_code": "FR", "names": {"en": "France"}}}
COUNTRY_ONLY = {"country": {"iso_code": "FR", "names": {"en": "France"}}}


def write_database(path: Path, *, database_type: str = "GeoLite2-City") -> Path:
    writer = MMDBWriter(ip_version=6, database_type=database_type, ipv4_compatible=True, languages=["en"])
    writer.insert_network(IPSet(["203.0.113.0/24", "2001:db8::/32"]), LYON)
    writer.insert_network(IPSet(["198.51.100.0/24"]), COUNTRY_ONLY)
    writer.to_db_file(str(path))
    return path


@pytest.fixture(autouse=True)
def fresh_reader() -> Iterator[None]:
    client_info._geoip_reader.cache_clear()
    yield
    client_info._geoip_reader.cache_clear()


@pytest.fixture
def database(tmp_path: Path, settings: Settings) -> Path:
    path = write_database(tmp_path / "city.mmdb")
    settings.GEOIP_PATH = load({**PRODUCTION, "GEOIP_PATH": str(path)}).GEOIP_PATH
    return path


def _location(ip: str) -> str:
    return client_info.read_client_info(RequestFactory().get("/", REMOTE_ADDR=ip)).location


@pytest.mark.parametrize(
    ("ip", "location"),
    [("203.0.113.5", "Lyon, France"), ("2001:db8::5", "Lyon, France"), ("198.51.100.1", "France"),
     ("192.0.2.1", "Unknown"), ("", "Unknown"), ("not-an-ip", "Unknown")],
)  # fmt: skip
def test_an_ip_has_the_city_and_country_of_the_database(database: Path, ip: str, location: str) -> None:
    assert _location(ip) == location


def test_a_session_shows_where_it_was_started(database: Path, alice: object, sign_in: Callable[..., SignedIn]) -> None:
    signed_in = sign_in(alice)

    assert signed_in.client.get("/sessions").json()["data"]["sessions"][0]["location"] == "Unknown"  # 127.0.0.1
    login = signed_in.client.post(
        "/login", {"username": "alice", "password": "Correct-Horse-7"}, REMOTE_ADDR="203.0.113.5"
    )
    assert login.json()["data"]["session"]["location"] == "Lyon, France"


@pytest.mark.parametrize("content", [b"", b"not a database", b"\xab\xcd\xefMaxMind.com", b"\x00" * 10_000], ids=repr)
def test_a_file_that_is_not_a_database_prevents_startup(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "city.mmdb").write_bytes(content)

    with pytest.raises(BadVariable, match=r"^GEOIP_PATH must be the path of a readable"):
        load({**PRODUCTION, "GEOIP_PATH": str(tmp_path / "city.mmdb")})


@pytest.mark.parametrize("database_type", ["GeoLite2-Country", "GeoLite2-ASN"])
def test_a_database_without_cities_prevents_startup(tmp_path: Path, database_type: str) -> None:
    path = write_database(tmp_path / "other.mmdb", database_type=database_type)

    with pytest.raises(ValueError, match="other.mmdb"):
        geoip.city_database(str(path))


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_file_damaged_after_startup_fails_no_login(
    database: Path, content: bytes | None, alice: object, sign_in: Callable[..., SignedIn]
) -> None:
    database.unlink()
    if content is not None:
        database.write_bytes(content)

    sign_in(alice)

    assert _location("203.0.113.5") == "Unknown"
