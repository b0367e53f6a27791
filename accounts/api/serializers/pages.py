"""The query of a list that comes in pages."""

import re
from typing import Any

from rest_framework import serializers

from accounts.api.serializers.forms import Form

_MOST_PAGES = 1_000_000
_DIGITS = re.compile(r"[0-9]{1,7}")


class _Number(serializers.IntegerField):
    """A number of a query, in ASCII digits: the field itself takes "1.0", " 1 " and the digits of any script."""

    def to_internal_value(self, data: Any) -> int:
        if not _DIGITS.fullmatch(str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


class PageQuery(Form):
    page = _Number(min_value=1, max_value=_MOST_PAGES, default=1)
    pageSize = _Number(min_value=1, max_value=100, default=20)
