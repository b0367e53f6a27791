"""How many codes were tried for an address, and when one was last asked for, whether or not anybody has that address."""

from django.db import models


class AttemptCounter(models.Model):
    """`key` is a keyed hash of purpose and address, so that the table names nobody."""

    key = models.CharField(max_length=64, primary_key=True)
    tries = models.PositiveSmallIntegerField(default=0)
    updated_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.tries} tries"
