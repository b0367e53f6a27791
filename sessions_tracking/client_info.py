"""What a request tells of its client, read once into a value that services can carry."""

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
_LONGEST_USER_AGENT = 512
_DESKTOP_SYSTEMS = frozenset(
    {"Windows", "Mac OS X", "macOS", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS", "FreeBSD", "OpenBSD"}
)
_FAMILIES = {"Mac OS X": "macOS"}
_TABLET = re.compile(r"iPad|Tablet|Kindle|Silk/|PlayBook", re.IGNORECASE)
_MOBILE = re.compile(r"iPhone|iPod|Mobile|Windows Phone", re.IGNORECASE)
_BOT = "Spider"
_BOT_IN_GENERAL = "Desktop"  # the model of the pattern for bots that comes last, after those of all handheld devices
_HANDHELD = re.compile(r"Android|iPhone|iPad|iPod|Windows Phone|Kindle|Silk/|Mobile|Tablet", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """`device` is Desktop, Mobile, Tablet, Bot or Other; `ip` is None where the server knows none (a Unix socket)."""

    ip: str | None
    user_agent: str
    device: str
    browser: str
    os: str
    platform: str
    location: str

    def as_fields(self) -> dict[str, str | None]:
        """What a session keeps of it, by the names of its columns."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def label(self) -> str:
        """For people, in an email: "Chrome, Windows", what is unknown of it left out."""
        return ", ".join(part for part in (self.browser, self.os) if part != _OTHER)


def read_client_info(request: HttpRequest) -> ClientInfo:
    """Reads address and User-Agent; hostile text in them is cut and stripped of what does not print."""
    ip = request.META.get("REMOTE_ADDR") or None
    sent = _decode_header(request.META.get("HTTP_USER_AGENT", ""))
    agent = "".join(filter(str.isprintable, sent))[:_LONGEST_USER_AGENT]
    device, browser, system, platform = _describe(agent)
    return ClientInfo(
        ip=ip, user_agent=agent, device=device, browser=browser, os=system, platform=platform, location=_locate(ip)
    )


def _decode_header(value: str) -> str:
    """Read as UTF-8 where it is valid, else as latin-1, which is how WSGI hands over a header (PEP 3333)."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


@functools.lru_cache(maxsize=1024)
def _describe(agent: str) -> tuple[str, str, str, str]:
    found = resolver()(agent, Domain.ALL)
    browser = found.user_agent.family if found.user_agent else _OTHER
    system = _FAMILIES.get(found.os.family, found.os.family) if found.os else _OTHER
    version = found.os.major if found.os and found.os.major else ""
    is_bot = found.device is not None and not (found.device.model == _BOT_IN_GENERAL and _HANDHELD.search(agent))
    return _device(agent, system, is_bot=is_bot), browser[:64], system[:64], f"{system} {version}".strip()[:80]


@functools.cache
def resolver() -> Resolver:
    """Of the patterns for devices those of bots alone: the hundreds that tell one phone from another take 13 MiB."""
    browsers, systems, devices = load_lazy_builtins()
    matchers: Matchers = (browsers, systems, [one for one in devices if getattr(one, "family", "") == _BOT])
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
    """None without GEOIP_PATH, and for a file that was removed or damaged after the start: no sign-in may fail by it."""
    try:
        return geoip2.database.Reader(settings.GEOIP_PATH) if settings.GEOIP_PATH else None
    except (OSError, maxminddb.InvalidDatabaseError):
        logger.exception("GEOIP_PATH cannot be read any more; sessions have no location until the next start")
        return None


def _locate(ip: str | None) -> str:
    reader = _geoip_reader()
    if reader is None or ip is None:
        return _UNKNOWN
    try:
        found = reader.city(ip)
    except (GeoIP2Error, maxminddb.InvalidDatabaseError, ValueError):
        return _UNKNOWN
    return ", ".join(filter(None, (found.city.name, found.country.name)))[:128] or _UNKNOWN
