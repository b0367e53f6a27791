"""Names, browsers and locations of the generated users. Names are in their own script; emails are in Latin letters."""

# ruff: noqa: RUF001 - names in non-Latin scripts

from dataclasses import dataclass

from django.http import HttpRequest

from sessions_tracking.client_info import ClientInfo, read_client_info

# First and last name, and their spelling in emails. Chinese and Korean names are in one field in their own order, as many
# users there type them.
NAMES = (
    ("Amelia", "Hughes", "amelia", "hughes"), ("Noah", "Bennett", "noah", "bennett"),
    ("Grace", "O’Connor", "grace", "oconnor"), ("Élodie", "Lefèvre", "elodie", "lefevre"),
    ("François", "Dubois", "francois", "dubois"), ("Zoé", "Garçon", "zoe", "garcon"),
    ("Jürgen", "Müller", "juergen", "mueller"), ("Käthe", "Weiß", "kaethe", "weiss"),
    ("Íñigo", "Núñez", "inigo", "nunez"), ("João", "Gonçalves", "joao", "goncalves"),
    ("Łukasz", "Wójcik", "lukasz", "wojcik"), ("Ağça", "Yıldız", "agca", "yildiz"),
    ("Žofie", "Dvořák", "zofie", "dvorak"), ("Søren", "Ångström", "soren", "angstrom"),
    ("Ελένη", "Παπαδοπούλου", "eleni", "papadopoulou"), ("Νίκος", "Γεωργίου", "nikos", "georgiou"),
    ("Дмитрий", "Соколов", "dmitri", "sokolov"), ("Олена", "Шевченко", "olena", "shevchenko"),
    ("ليلى", "حداد", "layla", "haddad"), ("يوسف", "منصور", "yusuf", "mansour"),
    ("נועה", "לוי", "noa", "levi"), ("مریم", "رضایی", "maryam", "rezaei"),
    ("प्रिया", "शर्मा", "priya", "sharma"), ("অরুণ", "সেন", "arun", "sen"),
    ("王小明", "", "xiaoming", "wang"), ("李秀英", "", "xiuying", "li"),
    ("さくら", "佐藤", "sakura", "sato"), ("健太", "鈴木", "kenta", "suzuki"),
    ("김민준", "", "minjun", "kim"), ("Nguyễn", "Thị Hương", "huong", "nguyen"),
    ("สมชาย", "ใจดี", "somchai", "jaidee"), ("გიორგი", "ბერიძე", "giorgi", "beridze"),
)  # fmt: skip
FRENCH = frozenset({"Élodie", "François", "Zoé"})
DOMAINS = ("example.com", "example.org", "example.net")  # reserved: no real domain (RFC 2606)

LOCATIONS = (
    "Paris, France", "Berlin, Germany", "Lagos, Nigeria", "São Paulo, Brazil", "Tokyo, Japan", "Toronto, Canada",
    "Mumbai, India", "Cairo, Egypt", "Kyiv, Ukraine", "Seoul, South Korea", "Austin, United States", "Unknown",
)  # fmt: skip
# Networks reserved for documentation (RFC 5737, RFC 3849).
NETWORKS = ("192.0.2.{}", "198.51.100.{}", "203.0.113.{}", "2001:db8:{:x}::1")
REASONS = ("Requested by the user.", "Payment failed three times.", "Sent spam.", "Left the company.")

_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
_AGENTS = (
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Chrome/141.0.0.0 Safari/537.36", 28, ""),
    (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_BLINK} Chrome/141.0.0.0 Safari/537.36", 14, "Work laptop"),
    (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE} Version/18.6 Safari/605.1.15", 8, ""),
    (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_APPLE} Version/18.6 Mobile/15E148 Safari/604.1",
        16,
        "",
    ),
    (f"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {_APPLE} Version/18.6 Mobile/15E148 Safari/604.1", 4, "The sofa"),
    (f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_BLINK} Chrome/141.0.0.0 Mobile Safari/537.36", 14, "My phone"),
    (f"Mozilla/5.0 (Linux; Android 14; SM-X910) {_BLINK} Chrome/140.0.0.0 Safari/537.36", 3, ""),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", 5, ""),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0", 4, ""),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", 3, ""),
    ("curl/8.16.0", 1, "Nightly script"),
)


@dataclass(frozen=True, slots=True)
class Client:
    """A browser or program, without an IP address and location. `name` is the name that users gave the session."""

    info: ClientInfo
    name: str


def clients() -> tuple[Client, ...]:
    """Return the clients, each as often as its weight. User agents are parsed as those of real requests are."""
    return tuple(Client(_parse(agent), name) for agent, weight, name in _AGENTS for _ in range(weight))


def _parse(agent: str) -> ClientInfo:
    request = HttpRequest()
    request.META["HTTP_USER_AGENT"] = agent
    return read_client_info(request)
