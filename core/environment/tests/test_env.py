"""Environment variables: each is read by type, and a bad one is named in the error that stops the start."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.environment import development_secrets, env
from core.environment.env import BadVariable
from core.paths import BASE_DIR

STRONG = "q8Zr1vJ0xW5tLk3nB7mYc2dF6hG4sPaEuTiOoRwV"

READERS: list[tuple[Callable[[], object], str]] = [
    *[(lambda: env.boolean("THING", default=False), bad) for bad in ("maybe", "2", "tru", "онн")],
    *[(lambda: env.integer("THING", 1), bad) for bad in ("x", "1.5", "-1", "9" * 5000, "0x10")],
    *[(lambda: env.integer("THING", 5, minimum=4), bad) for bad in ("3", "0")],
    *[
        (lambda: env.duration("THING", "1m"), bad)
        for bad in ("15", "0m", "-1m", "1.5h", "m", "15 m", "15w", "999999999d", "\u0661m")
    ],
    *[(lambda: env.duration_or_zero("THING", "1m"), bad) for bad in ("0m", "soon")],
    *[(lambda: env.choice("THING", "a", ("a", "b")), bad) for bad in ("c", "ab")],
    *[
        (lambda: env.networks("THING"), bad)
        for bad in ("10.0.0.1/8", "10.0.0.0/33", "proxy", "1.2.3.4 5.6.7.8", "::ffff:0:0/90", "::ffff:10.0.0.1/104")
    ],
    *[
        (lambda: env.origins("THING"), bad)
        for bad in ("*", "app.example", "https://a.example/x", "https://a.example?x", "ftp://a.example")
    ],
    *[
        (lambda: env.url("THING", None), bad)
        for bad in ("app.example", "javascript:x", "https://", "https://a:99999", "http://a/#x")
    ],
]


@pytest.mark.parametrize(("read", "bad"), READERS, ids=[bad[:16] for _, bad in READERS])
def test_an_invalid_value_is_refused_with_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], bad: str
) -> None:
    monkeypatch.setenv("THING", bad)

    with pytest.raises(BadVariable, match=r"^THING must be "):
        read()


def test_valid_values_are_parsed_to_their_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def put(value: str) -> None:
        monkeypatch.setenv("THING", value)

    for word, meaning in {"on": True, "TRUE": True, "1 ": True, "on\r\n": True, "off": False, "No": False}.items():
        put(word)
        assert env.boolean("THING", default=not meaning) is meaning
    for text, length in {"30s": 30, "15m": 900, "12h": 43_200, "7d": 604_800}.items():
        put(text)
        assert env.duration("THING", "1s") == timedelta(seconds=length)
    put("0")
    assert env.duration_or_zero("THING", "1s") == timedelta(0)
    put("https://App.example/, http://localhost:3000")
    assert env.origins("THING") == ["https://app.example", "http://localhost:3000"]
    put("capacitor://localhost")
    assert env.origins("THING") == ["capacitor://localhost"]
    put("10.0.0.0/8, ::1")
    assert [str(network) for network in env.networks("THING")] == ["10.0.0.0/8", "::1/128"]


APP_ORIGINS = [
    "app://.", "app://obsidian.md", "capacitor://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "ionic://localhost", "moz-extension://0f3c6b1e-1c1d-4a5b-9c2e-7d8f9a0b1c2d", "tauri://localhost",
]  # fmt: skip


@pytest.mark.parametrize("origin", APP_ORIGINS)
def test_the_origin_of_an_app_or_an_extension_is_accepted(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("THING", origin)

    assert env.origins("THING") == [origin]


@pytest.mark.parametrize(
    "origin", ["chrome-extension://", "app:", "moz-extension://*", "app://a/b", "file://x", "null"]
)
def test_an_origin_with_an_unknown_scheme_is_refused(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("THING", origin)

    with pytest.raises(BadVariable, match=r"^THING must be"):
        env.origins("THING")


def test_header_names_are_lower_cased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "X-Tenant, x_b3,,")

    assert env.header_names("THING") == ["x-tenant", "x_b3"]


@pytest.mark.parametrize("value", ["*", "x-tenant, *", "x tenant", "x:y", "é", "x-a;x-b", "x\ny", "(x)", '"x"'])
def test_an_invalid_header_name_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("THING", value)

    with pytest.raises(BadVariable, match=r"^THING (must be a list of header names|has a line break)"):
        env.header_names("THING")


@pytest.mark.parametrize(
    "value", ["/", "/account/password", "/a?b=c#d", "https://app.example.com/password", "https://a.example:8443/?x=/#y"]
)
def test_a_redirect_target_is_https_or_a_path_of_this_host(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("THING", value)

    assert env.redirect_target("THING", "/") == value


@pytest.mark.parametrize(
    "value",
    ["//evil.example", "/\\evil.example", "\\\\evil.example", "http://a.example", "javascript:alert(1)", "a.example", "account",
     "https:", "https://", "https:evil.example", "https://user@a.example", "https://a.example:0", "https://a.example:x", "/a b",
     "/a\r\nX: y", "https://a.example/\r\nX: y", "https://[", " /", "/é", "/\t/evil.example", "data:,x"],
)  # fmt: skip
def test_a_redirect_target_on_another_host_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("THING", value)

    with pytest.raises(BadVariable, match=r"^THING "):
        env.redirect_target("THING", "/")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "")

    assert env.text("THING", "default") == "default"
    assert not env.is_set("THING")
    with pytest.raises(BadVariable, match=r"^THING is not set"):
        env.text("THING")


def test_a_file_can_hold_the_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "thing").write_text("from the file\n")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "thing"))

    assert env.is_set("THING")
    assert env.text("THING", "default") == "from the file"
    monkeypatch.setenv("THING", "from the variable")
    assert env.text("THING") == "from the variable"


def test_an_unreadable_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary"):
        monkeypatch.setenv("THING_FILE", str(path))

        with pytest.raises(BadVariable, match=r"^THING_FILE names a file that cannot be read"):
            env.text("THING")


@pytest.mark.parametrize(
    "weak",
    ["secret", "short-but-random-9f8e7d6c5b4a", "a" * 64, "abcabcabc" * 8, "your_secret_key_here_1234567890abcdef",
     "django-insecure-q8Zr1vJ0xW5tLk3nB7mYc2dF6hG4sP", "please-CHANGEME-q8Zr1vJ0xW5tLk3nB7mYc2dF", "secret" + STRONG],
)  # fmt: skip
def test_a_weak_or_sample_secret_is_refused_without_debug_and_never_quoted(
    monkeypatch: pytest.MonkeyPatch, weak: str
) -> None:
    monkeypatch.setenv("THING", weak)

    with pytest.raises(BadVariable, match=r"^THING (is too weak|looks like a sample)") as caught:
        env.secret("THING", debug=False)

    assert weak not in str(caught.value)
    assert env.secret("THING", debug=True) == weak


def test_a_strong_secret_is_read_from_the_variable_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{STRONG}\n")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "secret"))

    assert env.secret("THING", debug=False) == STRONG


def test_a_missing_secret_is_generated_once_in_development_and_required_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(development_secrets, "var_dir", lambda: tmp_path)

    made = env.secret("THING", debug=True)

    assert len(made) >= 32
    assert env.secret("THING", debug=True) == made
    assert env.secret("OTHER", debug=True) != made
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    with pytest.raises(BadVariable, match=r"^THING is not set"):
        env.secret("THING", debug=False)


def test_the_environment_takes_precedence_over_the_env_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\nexport ONE=from-file\nTWO='quoted # text'\nTHREE=from-file\n")
    program = "from core.environment import env; print(*(env.text(name) for name in ('ONE', 'TWO', 'THREE')), sep='|')"

    result = subprocess.run(
        [sys.executable, "-c", program], cwd=BASE_DIR, env={"ENV_FILE": str(file), "THREE": "from-environment"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert result.stdout.strip() == "from-file|quoted # text|from-environment"
