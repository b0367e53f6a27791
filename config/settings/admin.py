"""The appearance of the Django admin: names, colours and the menu."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.environment import env

_NAME = env.text("PRODUCT_NAME", "Vestibule")


def _icon(_request: HttpRequest) -> str:
    return static("vestibule/mark.svg")


def _stylesheet(_request: HttpRequest) -> str:
    return static("vestibule/admin.css")


def _focus_script(_request: HttpRequest) -> str:
    return static("vestibule/admin-focus.js")


def _item(title: str | Promise, icon: str, view: str, permission: str) -> dict[str, Any]:
    def has_permission(request: HttpRequest) -> bool:
        return request.user.is_authenticated and request.user.has_perm(permission)

    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{view}"), "permission": has_permission}


UNFOLD = {
    "SITE_TITLE": _NAME,
    "SITE_HEADER": _NAME,
    "SITE_ICON": _icon,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "STYLES": [_stylesheet],
    "SCRIPTS": [_focus_script],
    "SHOW_HISTORY": False,  # the audit has the history, by ids that outlive the account
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    "COLORS": {  # shades of the colours of the other pages
        "primary": {
            "50": "#eef2ff", "100": "#e0e7ff", "200": "#c7d2fe", "300": "#a5b4fc", "400": "#818cf8", "500": "#6366f1",
            "600": "#4f46e5", "700": "#4338ca", "800": "#3730a3", "900": "#312e81", "950": "#1e1b4b",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "command_search": False,
        "show_all_applications": False,
        "navigation": [
            {"items": [{"title": _("Overview"), "icon": "monitoring", "link": reverse_lazy("admin:index")}]},
            {
                "title": _("People"),
                "items": [
                    _item(_("Users"), "group", "accounts_user_changelist", "accounts.view_user"),
                    _item(_("Sessions"), "devices", "sessions_tracking_session_changelist", "sessions_tracking.view_session"),
                    _item(_("Audit"), "history", "accounts_auditevent_changelist", "accounts.view_auditevent"),
                ],
            },
            {
                "title": _("System"),
                "items": [
                    _item(_("Outbox"), "outgoing_mail", "accounts_outboxemail_changelist", "accounts.view_outboxemail"),
                    _item(_("Service clients"), "key", "accounts_serviceclient_changelist", "accounts.view_serviceclient"),
                    _item(_("Groups"), "badge", "auth_group_changelist", "auth.view_group"),
                ],
            },
        ],
    },
}  # fmt: skip
