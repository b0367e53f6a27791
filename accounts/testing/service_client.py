"""A service that introspects and revokes tokens."""

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
    """Sends forms with HTTP Basic authentication (RFC 7662, RFC 7009)."""

    client: ServiceClient
    secret: str = field(repr=False)

    @property
    def basic(self) -> str:
        return basic(str(self.client.id), self.secret)

    def introspect(self, token: str, **fields: str) -> dict[str, Any]:
        response = self.send("/introspect", token=token, **fields)
        assert response.status_code == 200, response.content
        return dict(response.json())

    def revoke(self, token: str, **fields: str) -> Any:
        return self.send("/revoke", token=token, **fields)

    def send(self, path: str, **fields: str) -> Any:
        return post_form(path, fields, Authorization=self.basic)


def basic(client_id: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"


def post_form(path: str, fields: dict[str, str] | str, **headers: str) -> Any:
    body = fields if isinstance(fields, str) else urlencode(fields)
    return ApiClient().generic("POST", path, body, content_type=FORM, headers=headers)


def make_service(name: str = "Billing") -> Service:
    return Service(*service_clients.create(name=name))
