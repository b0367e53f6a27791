"""Totals counted every hour, for the charts of the admin: no other table has their history."""

from django.db import models


class MetricSnapshot(models.Model):
    taken_at = models.DateTimeField(primary_key=True)
    active_sessions = models.PositiveIntegerField()
    emails_waiting = models.PositiveIntegerField()
    emails_failed = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.taken_at.isoformat()
