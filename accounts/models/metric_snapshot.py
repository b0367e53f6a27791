"""What was counted every hour, so that the admin can show how it went: nothing else remembers it."""

from django.db import models


class MetricSnapshot(models.Model):
    taken_at = models.DateTimeField(primary_key=True)
    active_sessions = models.PositiveIntegerField()
    emails_waiting = models.PositiveIntegerField()
    emails_failed = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.taken_at.isoformat()
