"""Client info from the User-Agent header and the IP address."""

import time

import pytest
from django.test import RequestFactory

from sessions_tracking.client_info import ClientInfo, read_client_info

USER_AGENTS = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        ("Desktop", "Chrome", "Windows", "Windows 10"),
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        ("Desktop", "Safari", "macOS", "macOS 14"),
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        ("Desktop", "Firefox", "Linux", "Linux"),
    ),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        ("Desktop", "Chrome", "Chrome OS", "Chrome OS 14541"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1",
        ("Mobile", "Mobile Safari", "iOS", "iOS 17"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
        ("Mobile", "Chrome Mobile", "Android", "Android 14"),
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Version/16.6 Mobile/15E148 Safari/604.1",
        ("Tablet", "Mobile Safari", "iOS", "iOS 16"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        ("Tablet", "Chrome", "Android", "Android 13"),
    ),
    (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ("Bot", "Googlebot", "Other", "Other"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ("Bot", "Googlebot", "Android", "Android 6"),
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 8.1.0; zh-cn; BLA-AL00) AppleWebKit/533.1 Mobile Safari/533.1 SogouMobileBrowser/5.22",
        ("Mobile", "Android", "Android", "Android 8"),
    ),
    ("curl/8.7.1", ("Other", "curl", "Other", "Other")),
    ("python-requests/2.32.3", ("Other", "Python Requests", "Other", "Other")),
    ("", ("Other", "Other", "Other", "Other")),
    ("never heard of", ("Other", "Other", "Other", "Other")),
]


def _read(agent: str = "", ip: str = "192.0.2.7") -> ClientInfo:
    return read_client_info(RequestFactory().get("/", HTTP_USER_AGENT=agent, REMOTE_ADDR=ip))


@pytest.mark.parametrize(("agent", "expected"), USER_AGENTS, ids=lambda value: str(value)[:40])
def test_device_browser_and_system_are_read_from_the_user_agent(agent: str, expected: tuple[str, ...]) -> None:
    client = _read(agent)

    assert (client.device, client.browser, client.os, client.platform) == expected
    assert client.user_agent == agent


def test_without_a_user_agent_the_client_is_unknown() -> None:
    client = read_client_info(RequestFactory().get("/"))

    assert (client.user_agent, client.device, client.label) == ("", "Other", "")


@pytest.mark.parametrize(
    "agent",
    [
        "x" * 100_000, "Chrome/" * 5_000, "Mozilla/5.0 (" * 5_000, "(((((((((((" + "a;" * 9_000, "Mozilla/" + "9" * 9_000,
        "\x00\x1b[31m\r\nX-Evil: 1", "\u202eevil\u2028line", "\xff\xfe\x80", "<script>alert(1)</script>", "' OR 1=1--",
    ],
    ids=lambda agent: repr(agent[:12]),
)  # fmt: skip
def test_a_hostile_user_agent_is_truncated_and_cleaned_within_a_second(agent: str) -> None:
    started = time.perf_counter()

    client = _read(agent)

    assert time.perf_counter() - started < 1
    assert len(client.user_agent) <= 512
    assert client.user_agent.isprintable()
    assert all(text.isprintable() for text in (client.browser, client.os, client.platform))
    assert len(client.browser) <= 64
    assert len(client.os) <= 64
    assert len(client.platform) <= 80


def test_the_label_omits_unknown_parts() -> None:
    assert _read(USER_AGENTS[2][0]).label == "Firefox, Linux"
    assert _read("curl/8.7.1").label == "curl"


def test_a_client_without_an_ip_has_none() -> None:
    assert _read(ip="").ip is None
    assert _read().ip == "192.0.2.7"


def test_without_a_geoip_database_the_location_is_unknown() -> None:
    assert _read().location == "Unknown"
