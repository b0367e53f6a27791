"""The metrics of this process. Each module declares those that it counts; docs/monitoring.md explains them.

A label never holds client input or personal data: routes are templates, and reasons are constants of the code.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge

from core.metrics import multiprocess

multiprocess.ensure_dir()
REGISTRY = CollectorRegistry(auto_describe=True)


def counter(name: str, description: str, *labels: str) -> Counter:
    return Counter(f"vestibule_{name}", description, labels, registry=REGISTRY)


def gauge(name: str, description: str, *, mode: str) -> Gauge:
    """Return a gauge; `mode` is how prometheus-client merges the values of several processes."""
    return Gauge(f"vestibule_{name}", description, registry=REGISTRY, multiprocess_mode=mode)  # type: ignore[arg-type]
