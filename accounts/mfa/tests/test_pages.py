"""The pages of a recovery's links: they show a button, change nothing by themselves, and write no secret into their source."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

every_page = pytest.mark.parametrize("path", ["/recovery", "/recovery/stop"])


@every_page
def test_a_page_may_only_run_and_call_its_own_site(client: Client, path: str) -> None:
    response = client.get(path)

    policy = response["Content-Security-Policy"]
    assert response.status_code == 200
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert (response["Cache-Control"], response["Referrer-Policy"]) == ("no-store", "no-referrer")


@every_page
def test_no_script_or_style_is_inline_and_every_file_exists(client: Client, path: str) -> None:
    html = client.get(path).content.decode()

    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:", html)
    names = re.findall(r'(?:src|href)="/static/([^"]+)"', html)
    assert "vestibule/recovery.js" in names
    assert all(finders.find(name) for name in names)


@every_page
def test_the_token_is_not_written_into_the_page(client: Client, path: str) -> None:
    assert "s3cret" not in client.get(path, {"token": "s3cret"}).content.decode()


@every_page
def test_a_page_without_javascript_says_so(client: Client, path: str) -> None:
    assert "<noscript>" in client.get(path).content.decode()


@pytest.mark.parametrize(
    ("path", "language", "title"),
    [
        ("/recovery", "en", "Turn off two-factor authentication"),
        ("/recovery", "fr", "Désactiver l\u2019authentification à deux facteurs"),
        ("/recovery/stop", "en", "Keep two-factor authentication on"),
        ("/recovery/stop", "fr", "Garder l\u2019authentification à deux facteurs activée"),
    ],
)
def test_a_page_is_in_the_language_of_the_request(client: Client, path: str, language: str, title: str) -> None:
    html = client.get(path, headers={"Accept-Language": language}).content.decode()

    assert f'<html lang="{language}">' in html
    assert f"<h1>{title}</h1>" in html


@every_page
def test_a_slash_at_the_end_changes_nothing_and_only_reading_is_allowed(client: Client, path: str) -> None:
    assert client.get(f"{path}/").status_code == 200
    assert client.post(path).status_code == 405
