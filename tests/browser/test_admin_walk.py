"""Support in the admin: sign in with a second factor, find a user, end a session; the API rejects its tokens."""

import time
from importlib import import_module

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from accounts.mail import outbox
from accounts.models import AuditEvent, User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import Tokens, me, signed_in, someone
from accounts.testing.second_factor import AuthenticatorApp
from core.ids import new_id
from core.testing.live_server import ApiRequest, LiveServer
from tests.browser.keyboard import assert_fits

pytestmark = pytest.mark.browser

_STEP_SECONDS = 30
_MARKUP = """'"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}');alert(3)//"""


@pytest.fixture
def supporter(server: LiveServer) -> tuple[User, AuthenticatorApp]:
    """A superuser of this test, with an authenticator app."""
    name = f"s{new_id().hex[-20:]}"
    user = User.objects.create_superuser(name, f"{name}@example.com", PASSWORD)
    token = signed_in(server, user).access
    app = AuthenticatorApp(server.send(ApiRequest("POST", "/mfa/totp", token=token)).data["secret"])
    left = _STEP_SECONDS - time.time() % _STEP_SECONDS
    time.sleep(left if left < 3 else 0)  # the previous code must not be two steps old when it arrives
    assert server.send(ApiRequest("POST", "/mfa/totp/confirm", {"code": app.code(-1)}, token)).status == 200
    return user, app


def _sign_in(page: Page, supporter: tuple[User, AuthenticatorApp]) -> None:
    user, app = supporter
    page.goto("/admin/")
    page.get_by_label("Username or email").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Code from your authenticator app").fill(app.code())
    page.keyboard.press("Enter")
    expect(page).to_have_url("/admin/")


def _find(page: Page, user: User) -> None:
    page.goto("/admin/accounts/user/")
    page.locator("#searchbar").fill(str(user.email)[:-4])
    page.keyboard.press("Enter")
    page.locator("#result_list").get_by_role("link", name=user.username).click()
    expect(page.get_by_text("Recent sessions")).to_be_visible()


def test_a_session_is_found_and_ended_and_the_api_rejects_its_tokens(
    page: Page, server: LiveServer, supporter: tuple[User, AuthenticatorApp]
) -> None:
    user = someone()
    tokens = signed_in(server, user)
    assert server.send(me(tokens.access)).status == 200

    _sign_in(page, supporter)
    _find(page, user)
    page.locator("section a[href*='/session/'][href*='/change/']").first.click()
    page.locator("#object-actions").get_by_role("link", name="End session").click()
    assert server.send(me(tokens.access)).status == 200  # not confirmed yet
    page.get_by_role("button", name="End session").click()

    expect(page.get_by_text("1 done")).to_be_visible()
    expect(page.get_by_text("revoked by an administrator")).to_be_visible()
    _assert_revoked(server, tokens)


def _assert_revoked(server: LiveServer, tokens: Tokens) -> None:
    assert server.send(me(tokens.access)).code == "session_revoked"
    assert server.send(ApiRequest("POST", "/refresh", {"refreshToken": tokens.refresh})).code == "session_revoked"


def test_a_user_is_deactivated_with_a_reason(
    page: Page, server: LiveServer, supporter: tuple[User, AuthenticatorApp]
) -> None:
    user = someone()
    tokens = signed_in(server, user)

    _sign_in(page, supporter)
    _find(page, user)
    page.locator("#object-actions").get_by_role("link", name="Deactivate").click()
    page.get_by_label("Reason").fill("Asked for it")
    page.get_by_role("button", name="Deactivate").click()

    expect(page.locator("#object-actions").get_by_role("link", name="Activate", exact=False)).to_be_visible()
    assert server.send(me(tokens.access)).code == "session_revoked"


def _let_proof_expire(page: Page) -> None:
    """Date the authentication of the admin session back."""
    [cookie] = [cookie for cookie in page.context.cookies() if cookie.get("name") == settings.SESSION_COOKIE_NAME]
    session = import_module(settings.SESSION_ENGINE).SessionStore(cookie.get("value"))
    session["authenticated_at"] = 0
    session.save()


def test_an_old_session_confirms_by_keyboard_that_it_is_its_user_and_keeps_what_was_typed(
    page: Page, server: LiveServer, supporter: tuple[User, AuthenticatorApp]
) -> None:
    user = someone()
    _sign_in(page, supporter)
    page.goto(f"/admin/accounts/user/{user.id}/change/")
    page.get_by_label("First name").fill("Typed")
    page.get_by_label("Role").select_option("ADMIN")
    _let_proof_expire(page)
    page.keyboard.press("Enter")

    for colours in ("light", "dark"):
        page.emulate_media(color_scheme=colours)
        expect(page.get_by_role("heading", name="Confirm that it's you")).to_be_visible()
        assert_fits(page)
    assert User.objects.get(id=user.id).role == "USER"
    expect(page.get_by_label("Code from your authenticator app")).to_be_focused()
    page.keyboard.type(supporter[1].code(1))  # the login used the current one
    page.keyboard.press("Enter")

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    user.refresh_from_db()
    assert (user.role, user.first_name) == ("ADMIN", "Typed")


def _hostile(server: LiveServer) -> User:
    """Create a user whose names, device and reason are markup, or wider than any screen."""
    user = someone()
    signed_in(server, user)
    User.objects.filter(id=user.id).update(first_name=_MARKUP, last_name="W" * 150, deactivation_reason=_MARKUP)
    user.sessions.update(name=_MARKUP, user_agent=_MARKUP * 5, browser=_MARKUP[:64], location="W" * 128)
    outbox.welcome(user)
    user.emails.update(state="failed", error=_MARKUP + "W" * 200)
    AuditEvent.objects.filter(user_id=user.id).update(device=_MARKUP, facts={"reason": _MARKUP + "W" * 200})
    return user


def test_every_page_fits_its_screen_and_runs_no_script_of_users(
    page: Page, server: LiveServer, supporter: tuple[User, AuthenticatorApp]
) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    hostile = _hostile(server)
    _sign_in(page, supporter)
    user = f"/admin/accounts/user/{hostile.id}"
    pages = [
        "/admin/",
        *(f"/admin/accounts/{name}/" for name in ("user", "outboxemail", "auditevent", "serviceclient")),
    ]
    pages += [
        "/admin/sessions_tracking/session/",
        f"{user}/change/",
        f"{user}/actions/deactivate/",
        f"{user}/password/",
    ]
    pages += [f"{user}/delete/", "/admin/accounts/user/add/", "/admin/auth/group/add/", "/admin/password_change/"]
    session = f"/admin/sessions_tracking/session/{hostile.sessions.get().pk}"
    pages += [f"{session}/change/", f"{session}/actions/revoke/"]
    pages += [f"/admin/accounts/outboxemail/{email.pk}/change/" for email in hostile.emails.all()]

    for address in pages:
        response = page.goto(address)
        assert response is not None
        assert response.status == 200
        assert_fits(page)
    assert dialogs == []


def test_the_dashboard_draws_its_charts(page: Page, supporter: tuple[User, AuthenticatorApp]) -> None:
    _sign_in(page, supporter)

    expect(page.get_by_text("Active sessions", exact=True)).to_be_visible()
    expect(page.locator("canvas.chart").first).to_be_visible()
    time.sleep(0.2)
    drawn = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    assert page.locator("canvas.chart").first.evaluate(drawn) > 1
