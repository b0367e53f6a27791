"""Whether the broker accepts connections."""

from celery import current_app


def check_broker() -> str:
    """Return "ok" or "unavailable", about a second later at most."""
    try:
        with current_app.connection_for_write(connect_timeout=1) as broker:
            broker.ensure_connection(max_retries=1, timeout=1)
    except Exception:  # noqa: BLE001 - each transport has its own errors
        return "unavailable"
    return "ok"
