"""The development mailbox in a browser, and as JSON for scripts and tests."""

from datetime import datetime
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from core.dev.mailbox import storage
from core.dev.mailbox.storage import Message
from core.http.safe_methods import read_only
from core.pages import views

# An email brings its styles with it, and its frame inherits this policy.
_POLICY: Final = views.POLICY | {"style-src": "'self' 'unsafe-inline'"}


@read_only
def mailbox(request: HttpRequest) -> HttpResponse:
    to = request.GET.get("to", "").strip()
    messages = [_shown(message) for message in storage.newest_first(to=to)]
    return views.page(request, "pages/mailbox/list.html", {"messages": messages, "to": to}, policy=_POLICY)


@read_only
def message(request: HttpRequest, message_id: str) -> HttpResponse:
    found = storage.find(message_id)
    if found is None:
        raise Http404
    context = {"message": _shown(found), "frame": _framed(found["html"]), "as_text": "text" in request.GET}
    return views.page(request, "pages/mailbox/message.html", context, policy=_POLICY)


@read_only
@never_cache
def messages(request: HttpRequest) -> JsonResponse:
    """Newest first; `?to=` keeps those to one address, and `to` then names that recipient."""
    to = request.GET.get("to", "").strip()
    return JsonResponse({"messages": [_listed(found, to) for found in storage.newest_first(to=to)]})


def _listed(found: Message, to: str) -> dict[str, object]:
    recipient = next((address for address in found["to"] if address.casefold() == to.casefold()), found["to"][0])
    return {**found, "to": recipient}


def _shown(found: Message) -> dict[str, object]:
    return {**found, "sent_at": datetime.fromisoformat(found["sentAt"])}


def _framed(html: str) -> str:
    """The frame may not leave its page, so its links open beside it."""
    return html.replace("<head>", '<head><base target="_blank">', 1)
