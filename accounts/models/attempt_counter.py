"""Attempts that are limited in the database: codes entered, emails requested; see accounts.verification.attempts."""

from django.db import models


class AttemptCounter(models.Model):
    """`key` is a keyed hash of the purpose and of what is limited (an email, a user), so that the table identifies no one."""

    key = models.CharField(max_length=64, primary_key=True)
    purpose = models.CharField(max_length=40)
    count = models.PositiveSmallIntegerField()
    window_started_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.purpose}: {self.count}"
