"""How times look on the wire."""

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """UTC in ISO 8601 with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
