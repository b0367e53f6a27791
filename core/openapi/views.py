"""The OpenAPI document and its two readers, with assets of the project's own."""

import json
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from core.http.safe_methods import safe_methods_only
from core.http.security_headers import ResponseKind
from core.pages.views import page

JSON_TYPES = ("application/json", "application/vnd.oai.openapi+json")
YAML_TYPES = ("application/vnd.oai.openapi", "application/yaml")


@safe_methods_only
def schema(request: HttpRequest) -> HttpResponse:
    """Return JSON, unless the client prefers YAML or requests it by `?format=yaml`."""
    media_type = request.get_preferred_type([*JSON_TYPES, *YAML_TYPES]) or JSON_TYPES[0]
    if request.GET.get("format") == "yaml":
        media_type = YAML_TYPES[0]
    body = _as_yaml() if media_type in YAML_TYPES else _as_json()
    return HttpResponse(body, content_type=media_type, headers={"Vary": "Accept"})


@safe_methods_only
def swagger_ui(request: HttpRequest) -> HttpResponse:
    return page(request, "docs/swagger_ui.html")


@safe_methods_only
def redoc(request: HttpRequest) -> HttpResponse:
    return page(request, "docs/redoc.html", kind=ResponseKind.REDOC)


@cache
def document() -> dict[str, Any]:
    """Return the document in English. It changes with the code alone, and is too expensive to build for each request."""
    with translation.override(settings.LANGUAGE_CODE):
        return dict(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@cache
def _as_json() -> bytes:
    return json.dumps(document(), ensure_ascii=False).encode()


@cache
def _as_yaml() -> bytes:
    return bytes(OpenApiYamlRenderer().render(document(), renderer_context={}))  # type: ignore[no-untyped-call]


urlpatterns = [
    re_path(r"^schema/?$", schema, name="schema"),
    re_path(r"^docs/?$", swagger_ui, name="docs"),
    re_path(r"^redoc/?$", redoc, name="redoc"),
]
