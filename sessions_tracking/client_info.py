"""Reads IP, User-Agent and location of a request into one value that services can pass on."""

import functools
import logging
import re
from dataclasses import dataclass

import geoip2.database
import maxminddb
from django.conf import settings
from django.http import HttpRequest
from geoip2.errors import GeoIP2Error
from ua_parser import Matchers, load_lazy_builtins
from ua_parser.core import Domain
from ua_parser.regex import Resolver

logger = logging.getLogger(__name__)

_UNKNOWN = "Unknown"
_OTHER = "Other"
_MAX_USER_AGENT = 512
_DESKTOP_SYSTEMS = frozenset(
    {"Windows", "Mac OS X", "macOS", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS", "FreeBSD", "OpenBSD"}
)
_FAMILIES = {"Mac OS X": "macOS"}
_TABLET = re.compile(r"iPad|Tablet|Kindle|Silk/|PlayBook", re.IGNORECASE)
_MOBILE = re.compile(r"iPhone|iPod|Mobile|Windows Phone", re.IGNORECASE)
_BOT = "Spider"
_GENERIC_BOT_MODEL = "Desktop"  # of the last pattern for bots, which comes after those of all handheld devices
_HANDHELD = re.compile(r"Android|iPhone|iPad|iPod|Windows Phone|Kindle|Silk/|Mobile|Tablet", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """`device` is Desktop, Mobile, Tablet, Bot or Other; `ip` is None behind a Unix socket."""

    ip: str | None
    user_agent: str
    device: str
    browser: str
    os: str
    platform: str
    location: str

    def as_fields(self) -> dict[str, str | None]:
        """Return the values by the names of the session's columns."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def label(self) -> str:
        """Describe the client in an email, without unknown parts: "Chrome, Windows"."""
        return ", ".join(part for part in (self.browser, self.os) if part != _OTHER)


def read_client_info(request: HttpRequest) -> ClientInfo:
    """Read IP and User-Agent of the request, truncated and without unprintable characters."""
    ip = request.META.get("REMOTE_ADDR") or None
    header = _decode_header(request.META.get("HTTP_USER_AGENT", ""))
    agent = "".join(filter(str.isprintable, header))[:_MAX_USER_AGENT]
    device, browser, system, platform = _parse(agent)
    return ClientInfo(
        ip=ip, user_agent=agent, device=device, browser=browser, os=system, platform=platform, location=_locate(ip)
    )


def _decode_header(value: str) -> str:
    """Decode as UTF-8 if valid, else as latin-1, which WSGI uses for headers (PEP 3333)."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


@functools.lru_cache(maxsize=1024)
def _parse(agent: str) -> tuple[str, str, str, str]:
    parsed = resolver()(agent, Domain.ALL)
    browser = parsed.user_agent.family if parsed.user_agent else _OTHER
    system = _FAMILIES.get(parsed.os.family, parsed.os.family) if parsed.os else _OTHER
    version = parsed.os.major if parsed.os and parsed.os.major else ""
    is_bot = parsed.device is not None and not (parsed.device.model == _GENERIC_BOT_MODEL and _HANDHELD.search(agent))
    return _device(agent, system, is_bot=is_bot), browser[:64], system[:64], f"{system} {version}".strip()[:80]


@functools.cache
def resolver() -> Resolver:
    """Load all patterns except those that tell one phone from another, which take 13 MiB."""
    browsers, systems, devices = load_lazy_builtins()
    matchers: Matchers = (browsers, systems, [matcher for matcher in devices if getattr(matcher, "family", "") == _BOT])
    return Resolver(matchers)


def _device(agent: str, system: str, *, is_bot: bool) -> str:
    if is_bot:
        return "Bot"
    if _TABLET.search(agent) or (system == "Android" and "Mobile" not in agent):
        return "Tablet"
    if _MOBILE.search(agent):
        return "Mobile"
    return "Desktop" if system in _DESKTOP_SYSTEMS else _OTHER


@functools.cache
def _geoip_reader() -> geoip2.database.Reader | None:
    """Return None without GEOIP_PATH, and for a file that is missing or damaged: it must not make a sign-in fail."""
    try:
        return geoip2.database.Reader(settings.GEOIP_PATH) if settings.GEOIP_PATH else None
    except (OSError, maxminddb.InvalidDatabaseError):
        logger.exception("GEOIP_PATH is unreadable; sessions have no location until the next start")
        return None


def _locate(ip: str | None) -> str:
    reader = _geoip_reader()
    if reader is None or ip is None:
        return _UNKNOWN
    try:
        city = reader.city(ip)
    except (GeoIP2Error, maxminddb.InvalidDatabaseError, ValueError):
        return _UNKNOWN
    return ", ".join(filter(None, (city.city.name, city.country.name)))[:128] or _UNKNOWN
