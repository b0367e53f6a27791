"""The first page of the admin: figures as charts, in the form that unfold's chart component takes."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _

from accounts.models import AuditKind
from accounts.services.dashboard import dashboard_stats
from accounts.services.dashboard.approximate_counts import Precision, Roughly

_COLOURS = ("var(--color-primary-600)", "var(--color-primary-300)", "#dc2626")
_OPTIONS = {
    "responsive": True,
    "maintainAspectRatio": False,
    "animation": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {"legend": {"display": True, "align": "end", "labels": {"boxWidth": 10, "color": "#9ca3af"}}},
    "scales": {
        "x": {
            "grid": {"display": False},
            "ticks": {"color": "#9ca3af", "maxTicksLimit": 5, "maxRotation": 0, "autoSkipPadding": 24},
        },
        "y": {"beginAtZero": True, "ticks": {"color": "#9ca3af", "precision": 0, "maxTicksLimit": 6}},
    },
}

Series = Mapping[str, Sequence[int | None]]


def context(request: HttpRequest) -> dict[str, Any]:
    """For whoever may read the audit; others see the menu alone."""
    if not request.user.has_perm("accounts.view_auditevent"):
        return {}
    return {"cards": _cards(), "charts": [*_daily(), *_hourly()], "chart_options": json.dumps(_OPTIONS)}


def _cards() -> list[dict[str, Any]]:
    now = dashboard_stats.glance()
    sessions, emails = (
        reverse(f"admin:{name}_changelist") for name in ("sessions_tracking_session", "accounts_outboxemail")
    )
    return [
        {"title": _("Active sessions"), "value": _words(now.active_sessions), "link": f"{sessions}?state=active"},
        {"title": _("Waiting emails"), "value": _words(now.emails_waiting), "link": f"{emails}?state__exact=queued"},
        {"title": _("Failed emails"), "value": _words(now.emails_failed), "link": f"{emails}?state__exact=failed"},
    ]


def _words(roughly: Roughly) -> str:
    """No more digits than are true."""
    spare = max(0, len(str(roughly.count)) - 2) if roughly.precision == Precision.ABOUT else 0
    number = formats.number_format(round(roughly.count, -spare), force_grouping=True)
    words = {Precision.ABOUT: _("about %(number)s"), Precision.AT_LEAST: _("more than %(number)s")}
    return words.get(roughly.precision, "%(number)s") % {"number": number}


def _daily() -> list[dict[str, Any]]:
    days = dashboard_stats.days(datetime.now(UTC).date())
    labels = [formats.date_format(day, "MONTH_DAY_FORMAT") for day in days]
    counts = {
        kind: [None if of_day is None else of_day.get(kind, 0) for of_day in days.values()]
        for kind in dashboard_stats.KINDS
    }
    return [
        _chart("bar", _("Sign-ups a day"), labels, {_("sign-ups"): counts[AuditKind.REGISTERED]}),
        _chart(
            "line",
            _("Sign-ins and failures a day"),
            labels,
            {_("sign-ins"): counts[AuditKind.LOGIN], _("failures"): counts[AuditKind.LOGIN_FAILED]},
            colours=(_COLOURS[0], _COLOURS[2]),
        ),
    ]


def _hourly() -> list[dict[str, Any]]:
    readings = dashboard_stats.readings()
    labels = [formats.date_format(reading.taken_at, "j M H:i") for reading in readings]
    waiting = [reading.emails_waiting for reading in readings]
    failed = [reading.emails_failed for reading in readings]
    active = [reading.active_sessions for reading in readings]
    return [
        _chart("line", _("Active sessions, hour by hour"), labels, {_("sessions"): active}),
        _chart(
            "line",
            _("Emails, hour by hour"),
            labels,
            {_("waiting"): waiting, _("failed"): failed},
            colours=(_COLOURS[0], _COLOURS[2]),
        ),
    ]


def _chart(
    kind: str, title: str, labels: list[str], series: Series, *, colours: tuple[str, ...] = _COLOURS
) -> dict[str, Any]:
    """None is a gap: what is not counted yet."""
    datasets = [
        {
            "label": name,
            "data": values,
            "borderColor": colour,
            "backgroundColor": colour,
            "borderWidth": 2 if kind == "line" else 0,
            "pointRadius": 0 if len(values) > 1 else 3,
            "tension": 0.3,
        }
        for (name, values), colour in zip(series.items(), colours, strict=False)
    ]
    data = json.dumps({"labels": labels, "datasets": datasets})
    latest = ", ".join(f"{name}: {values[-1]}" for name, values in series.items() if values)
    is_partial = any(value is None for values in series.values() for value in values)
    return {
        "kind": kind,
        "title": title,
        "data": data,
        "latest": latest,
        "is_empty": not labels,
        "is_partial": is_partial,
    }
