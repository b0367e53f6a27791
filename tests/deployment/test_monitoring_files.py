"""Dashboards, alerts and their documentation name existing metrics, and every metric is documented."""

import json
import re

import pytest

from core.metrics.registry import REGISTRY
from core.observability.metrics_view import scrape_descriptions
from core.paths import BASE_DIR

FOLDER = BASE_DIR / "docker" / "monitoring"
ALERTS = (FOLDER / "alerts.yml").read_text()
DASHBOARD = (FOLDER / "grafana" / "vestibule.json").read_text()
PAGE = (BASE_DIR / "docs" / "monitoring.md").read_text()
_NAME = re.compile(r"\bvestibule_[a-z_]+")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def _exported_metrics() -> set[str]:
    counted = {family.name: family.type for family in REGISTRY.collect()}
    return set(scrape_descriptions()) | {
        f"{name}_total" if kind == "counter" else name for name, kind in counted.items()
    }


@pytest.mark.parametrize("text", [ALERTS, DASHBOARD, PAGE], ids=["alerts", "dashboard", "page"])
def test_each_metric_in_the_monitoring_files_exists(text: str) -> None:
    assert {_SUFFIX.sub("", name) for name in _NAME.findall(text)} <= _exported_metrics()


def test_each_metric_is_documented() -> None:
    assert _exported_metrics() <= set(_NAME.findall(PAGE))


def test_each_alert_links_to_its_paragraph() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS)

    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE) == alerts
    assert re.findall(r"runbook: docs/monitoring\.md#(\w+)", ALERTS) == [name.lower() for name in alerts]


def test_the_dashboard_shows_each_metric_except_the_workers() -> None:
    panels = json.loads(DASHBOARD)["panels"]
    shown = " ".join(target["expr"] for panel in panels for target in panel["targets"])

    assert _exported_metrics() - {_SUFFIX.sub("", name) for name in _NAME.findall(shown)} == {"vestibule_emails_total"}
    assert len({panel["id"] for panel in panels}) == len(panels)
