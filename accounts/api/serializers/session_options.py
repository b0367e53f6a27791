"""The fields of every request that signs in: what the client wants of its new session."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import StrictBoolean
from accounts.services.login import SessionOptions
from core.api.fields import DataObject, PlainText

_MIN_LIFETIME = 300
# The fields of SessionOptions by the names of the form.
_OPTIONS = {"deviceName": "name", "data": "data", "lifetime": "lifetime", "persistent": "persistent"}


class SessionLifetime(serializers.IntegerField):
    """Whole seconds, from five minutes to SESSION_MAX_AGE. Of a shorter SESSION_MAX_AGE, only that value is left."""

    default_error_messages = {"range": _("Must be from {min} to {max} seconds.")}

    def to_internal_value(self, data: Any) -> int:
        """Take a JSON integer only: REST framework's field takes `true`, `"600"` and `600.0`, too."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        max_seconds = int(settings.SESSION_MAX_AGE.total_seconds())
        if not min(_MIN_LIFETIME, max_seconds) <= data <= max_seconds:
            self.fail("range", min=min(_MIN_LIFETIME, max_seconds), max=max_seconds)
        return data


class SessionOptionsForm(serializers.Serializer[dict[str, Any]]):
    deviceName = PlainText(required=False, max_length=100, allow_blank=True, help_text="Becomes the session's `name`.")
    data = DataObject(required=False, help_text="Stored with the session.")  # type: ignore[assignment]
    lifetime = SessionLifetime(
        required=False,
        help_text="The session ends this many seconds after the sign-in, however often it is refreshed: from 300 to "
        "`SESSION_MAX_AGE`, which is the default.",
    )
    persistent = StrictBoolean(
        required=False, help_text="With `false`, the cookies end with the browser. The default is `true`."
    )


def given_options(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of SessionOptions that the validated form has."""
    return {option: form[name] for name, option in _OPTIONS.items() if name in form}


def session_options(form: Mapping[str, Any]) -> SessionOptions:
    return SessionOptions(**given_options(form))
