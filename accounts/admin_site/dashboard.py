"""The first page of the admin: totals and charts, in the format of unfold's chart component."""

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
from accounts.services.dashboard.approximate_counts import ApproximateCount, Precision

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
    """Return the statistics for users who may view the audit; others see only the list of models."""
    if not request.user.has_perm("accounts.view_auditevent"):
        return {}
    return {"cards": _cards(), "charts": [*_daily_charts(), *_hourly_charts()], "chart_options": json.dumps(_OPTIONS)}


def _cards() -> list[dict[str, Any]]:
    totals = dashboard_stats.approximate_totals()
    sessions, emails = (
        reverse(f"admin:{name}_changelist") for name in ("sessions_tracking_session", "accounts_outboxemail")
    )
    return [
        {
            "title": _("Active sessions"),
            "value": _format_count(totals.active_sessions),
            "link": f"{sessions}?state=active",
        },
        {
            "title": _("Waiting emails"),
            "value": _format_count(totals.emails_waiting),
            "link": f"{emails}?state__exact=queued",
        },
        {
            "title": _("Failed emails"),
            "value": _format_count(totals.emails_failed),
            "link": f"{emails}?state__exact=failed",
        },
    ]


def _format_count(approximate: ApproximateCount) -> str:
    """Round an estimate to its two significant digits."""
    zeros = max(0, len(str(approximate.count)) - 2) if approximate.precision == Precision.ABOUT else 0
    number = formats.number_format(round(approximate.count, -zeros), force_grouping=True)
    texts = {Precision.ABOUT: _("about %(number)s"), Precision.AT_LEAST: _("more than %(number)s")}
    return texts.get(approximate.precision, "%(number)s") % {"number": number}


def _daily_charts() -> list[dict[str, Any]]:
    days = dashboard_stats.daily_counts(datetime.now(UTC).date())
    labels = [formats.date_format(day, "MONTH_DAY_FORMAT") for day in days]
    counts = {
        kind: [None if day_counts is None else day_counts.get(kind, 0) for day_counts in days.values()]
        for kind in dashboard_stats.CHARTED_KINDS
    }
    return [
        _chart("bar", _("Sign-ups per day"), labels, {_("sign-ups"): counts[AuditKind.REGISTERED]}),
        _chart(
            "line",
            _("Sign-ins and failures per day"),
            labels,
            {_("sign-ins"): counts[AuditKind.LOGIN], _("failures"): counts[AuditKind.LOGIN_FAILED]},
            colours=(_COLOURS[0], _COLOURS[2]),
        ),
    ]


def _hourly_charts() -> list[dict[str, Any]]:
    snapshots = dashboard_stats.hourly_snapshots()
    labels = [formats.date_format(snapshot.taken_at, "j M H:i") for snapshot in snapshots]
    waiting = [snapshot.emails_waiting for snapshot in snapshots]
    failed = [snapshot.emails_failed for snapshot in snapshots]
    active = [snapshot.active_sessions for snapshot in snapshots]
    return [
        _chart("line", _("Active sessions per hour"), labels, {_("sessions"): active}),
        _chart(
            "line",
            _("Waiting and failed emails per hour"),
            labels,
            {_("waiting"): waiting, _("failed"): failed},
            colours=(_COLOURS[0], _COLOURS[2]),
        ),
    ]


def _chart(
    kind: str, title: str, labels: list[str], series: Series, *, colours: tuple[str, ...] = _COLOURS
) -> dict[str, Any]:
    """A value of None, which is not counted yet, is a gap in the chart."""
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
