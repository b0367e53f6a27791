"""The page of the link: it shows a button, changes nothing by itself, and writes no secret into its source."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

PATH = "/login-code"


def test_the_page_may_only_run_and_call_its_own_site(client: Client) -> None:
    response = client.get(PATH)
    policy = response["Content-Security-Policy"]

    assert response.status_code == 200
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"


def test_no_script_or_style_is_inline_and_every_file_exists(client: Client) -> None:
    html = client.get(PATH).content.decode()

    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:", html)
    names = re.findall(r'(?:src|href)="/static/([^"]+)"', html)
    assert "vestibule/login-code.js" in names
    assert all(finders.find(name) for name in names)


def test_the_token_is_written_neither_into_the_page_nor_into_the_log(
    client: Client, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    html = client.get(PATH, {"token": "s3cret"}).content.decode()

    assert "s3cret" not in html + caplog.text + "".join(capsys.readouterr())


def test_the_page_continues_to_the_front_end(client: Client, settings: Settings) -> None:
    settings.FRONTEND_URL = "https://app.example.com"

    assert '<a href="https://app.example.com">' in client.get(PATH).content.decode()


def test_a_page_without_javascript_says_so(client: Client) -> None:
    assert "<noscript>" in client.get(PATH).content.decode()


@pytest.mark.parametrize(("language", "title"), [("en", "Sign in"), ("fr", "Se connecter")])
def test_the_page_is_in_the_language_of_the_request(client: Client, language: str, title: str) -> None:
    html = client.get(PATH, headers={"Accept-Language": language}).content.decode()

    assert f'<html lang="{language}">' in html
    assert f"<h1>{title}</h1>" in html


def test_a_slash_at_the_end_changes_nothing_and_only_reading_is_allowed(client: Client) -> None:
    assert client.get(f"{PATH}/").status_code == 200
    assert client.post(PATH).status_code == 405
