"""The front page and the pages of the links in emails."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client, RequestFactory
from pytest_django import Settings

from core.pages.views import verify_email_page

pytestmark = pytest.mark.urls("core.pages.views")
every_page = pytest.mark.parametrize("path", ["/", "/verify-email", "/reset-password", "/undo-email-change"])


@every_page
def test_a_page_may_only_run_and_call_its_own_site(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"].split("; ")

    assert policy == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]


@every_page
def test_no_script_or_style_is_inline(client: Client, path: str) -> None:
    html = client.get(path).content.decode()

    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:", html)


@every_page
def test_a_page_is_not_stored_and_sends_no_referrer(client: Client, path: str) -> None:
    response = client.get(path)

    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"


@every_page
def test_every_file_referenced_by_a_page_exists(client: Client, path: str) -> None:
    names = re.findall(r'(?:src|href)="/static/([^"]+)"', client.get(path).content.decode())

    assert names
    assert all(finders.find(name) for name in names)


@every_page
def test_a_page_uses_the_language_of_the_request(client: Client, path: str) -> None:
    assert b'<html lang="en">' in client.get(path).content
    assert b'<html lang="fr">' in client.get(path, headers={"Accept-Language": "fr-CA,fr;q=0.8"}).content


@every_page
def test_a_page_rejects_post(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/verify-email/", "/reset-password/", "/undo-email-change/"])
def test_a_trailing_slash_makes_no_difference(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password", "/undo-email-change"])
def test_values_of_the_link_are_not_written_into_the_page(client: Client, path: str) -> None:
    html = client.get(path, {"token": "s3cret", "email": "<b>alice</b>@example.com"}).content.decode()

    assert "s3cret" not in html
    assert "alice" not in html


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password", "/undo-email-change"])
def test_a_page_that_needs_javascript_says_so(client: Client, path: str) -> None:
    assert "<noscript><p" in client.get(path).content.decode()


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password"])
def test_no_form_can_be_sent_before_its_script_runs(client: Client, path: str) -> None:
    forms = re.findall(r"<form[^>]*>", client.get(path).content.decode())

    assert forms
    assert all(" hidden" in form for form in forms)


def test_the_undo_page_offers_no_action_before_its_script_runs(client: Client) -> None:
    html = client.get("/undo-email-change", {"token": "s3cret"}).content.decode()

    assert '<section id="confirm" hidden>' in html
    assert "<form" not in html


def test_the_result_of_an_action_is_read_out(client: Client) -> None:
    html = client.get("/verify-email").content.decode()

    assert '<div id="status" class="status" role="status" aria-live="polite" tabindex="-1"></div>' in html


def test_the_front_page_leads_to_the_documentation_and_the_admin(client: Client) -> None:
    html = client.get("/").content.decode()

    for path in ("/api/docs", "/api/redoc", "/admin/"):
        assert f'href="{path}"' in html


@pytest.mark.parametrize("debug", [True, False])
def test_the_mailbox_is_linked_only_in_development(client: Client, settings: Settings, debug: bool) -> None:
    settings.DEBUG = debug

    assert ("/dev/mailbox" in client.get("/").content.decode()) is debug


def test_another_view_can_answer_with_the_verification_page() -> None:
    response = verify_email_page(RequestFactory().get("/api/auth/verify-email", {"token": "s3cret"}))

    assert response.status_code == 200
    assert b'id="verify"' in response.content


def test_every_password_field_is_masked_and_open_to_password_managers(client: Client) -> None:
    fields = re.findall(
        r'<input[^>]*name="(?:password|repeated)"[^>]*>', client.get("/reset-password").content.decode()
    )

    assert len(fields) == 2
    for field in fields:
        assert 'type="password"' in field
        assert 'autocomplete="new-password"' in field
        assert not re.search(r"maxlength|readonly|onpaste", field)


@pytest.mark.parametrize("composition", [True, False])
def test_the_page_lists_the_active_password_rules(client: Client, settings: Settings, composition: bool) -> None:
    settings.PASSWORD_COMPOSITION = composition

    rules = re.findall(r'data-rule="(\w+)"', client.get("/reset-password").content.decode())

    assert rules == (["length", "upper", "lower", "digit"] if composition else ["length"])
