"""A service that asks about tokens, as the tests play it."""

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from accounts.models import ServiceClient
from accounts.services import service_clients
from accounts.testing.api_client import ApiClient

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Service:
    """Speaks as the RFCs have it: forms, and HTTP Basic."""

    client: ServiceClient
    secret: str = field(repr=False)

    @property
    def basic(self) -> str:
        return basic(str(self.client.id), self.secret)

    def introspect(self, token: str, **fields: str) -> dict[str, Any]:
        reply = self.ask("/introspect", token=token, **fields)
        assert reply.status_code == 200, reply.content
        return dict(reply.json())

    def revoke(self, token: str, **fields: str) -> Any:
        return self.ask("/revoke", token=token, **fields)

    def ask(self, path: str, **fields: str) -> Any:
        return post_form(path, fields, Authorization=self.basic)


def basic(client_id: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"


def post_form(path: str, fields: dict[str, str] | str, **headers: str) -> Any:
    body = fields if isinstance(fields, str) else urlencode(fields)
    return ApiClient().generic("POST", path, body, content_type=FORM, headers=headers)


def make_service(name: str = "Billing") -> Service:
    return Service(*service_clients.create(name=name))
