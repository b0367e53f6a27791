"""Timestamps of the API."""

from datetime import UTC, datetime


def iso(timestamp: datetime) -> str:
    """UTC in ISO 8601 with milliseconds and `Z`."""
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(timestamp: datetime | None) -> str | None:
    return None if timestamp is None else iso(timestamp)
