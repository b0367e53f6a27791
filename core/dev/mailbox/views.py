"""The development mailbox in a browser, and as JSON for scripts and tests."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from core.dev.mailbox import storage
from core.dev.mailbox.storage import Message
from core.http.safe_methods import safe_methods_only
from core.http.security_headers import ResponseKind
from core.pages import views


@safe_methods_only
def mailbox(request: HttpRequest) -> HttpResponse:
    to = request.GET.get("to", "").strip()
    messages = [_shown(message) for message in storage.newest_first(to=to)]
    return views.page(request, "pages/mailbox/list.html", {"messages": messages, "to": to}, kind=ResponseKind.MAILBOX)


@safe_methods_only
def message(request: HttpRequest, message_id: str) -> HttpResponse:
    stored = storage.find(message_id)
    if stored is None:
        raise Http404
    context = {"message": _shown(stored), "frame": _framed(stored["html"]), "as_text": "text" in request.GET}
    return views.page(request, "pages/mailbox/message.html", context, kind=ResponseKind.MAILBOX)


@safe_methods_only
@never_cache
def messages(request: HttpRequest) -> JsonResponse:
    """List the messages, newest first. `?to=` selects one recipient, whom `to` then names."""
    to = request.GET.get("to", "").strip()
    return JsonResponse({"messages": [_listed(stored, to) for stored in storage.newest_first(to=to)]})


def _listed(stored: Message, to: str) -> dict[str, object]:
    recipient = next((email for email in stored["to"] if email.casefold() == to.casefold()), stored["to"][0])
    return {**stored, "to": recipient}


def _shown(stored: Message) -> dict[str, object]:
    return {**stored, "sent_at": datetime.fromisoformat(stored["sentAt"])}


def _framed(html: str) -> str:
    """Make links open in a new tab, since the sandboxed frame cannot navigate."""
    return html.replace("<head>", '<head><base target="_blank">', 1)
