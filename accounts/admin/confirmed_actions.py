"""Actions on one or several rows: the admin asks for confirmation, then calls a service once per row."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin.base import LargeTableAdmin, admin_id, is_administrator, is_superuser
from accounts.models.user import MAX_REASON_LENGTH
from core.api.exceptions import ApiError
from core.ids import parse_id

Run = Callable[[uuid.UUID, uuid.UUID, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedAction:
    """An action that needs confirmation. `name` is part of its URL.

    The page of a row shows the button if `is_applicable(row)`: not if the service would refuse anyway.

    `run` takes the ids of the actor and of the row, and the reason. It raises ApiError to refuse, and may return False
    if nothing had to be done.

    `needs_recent_proof` is False for actions that only send an email to its owner.
    """

    name: str
    title: str | Promise
    question: str | Promise
    run: Run
    icon: str
    is_applicable: Callable[[Any], bool] = lambda _row: True
    is_destructive: bool = False
    requires_reason: bool = False
    superusers_only: bool = False
    not_on_self: bool = False
    needs_recent_proof: bool = True


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=_("Visible to administrators only."),
    )


class ConfirmedActionsAdmin(LargeTableAdmin):
    """Offers `confirmed_actions` as buttons on the page of a row, and as actions on the selected rows of the list."""

    confirmed_actions: Iterable[ConfirmedAction] = ()
    self_guarded_views = frozenset({"changelist_view", "action_view"})
    change_form_outer_before_template = "admin/object_actions.html"
    change_form_outer_after_template = "admin/panels.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.action_view)
        url = path("<uuid:object_id>/actions/<slug:name>/", view, name=self._url_name("action"))
        return [url, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no other actions: Django's "delete selected" would delete a row that must stay."""
        available = self.get_available_actions(request)
        return {action.name: (partial(_confirm_selected, action), action.name, action.title) for action in available}

    def get_available_actions(self, request: HttpRequest, obj: Any = None) -> list[ConfirmedAction]:
        """Return the actions that the signed-in user may do, on `obj` if one is given. The services check again."""
        if not is_administrator(request) or not self.has_confirmed_actions_permission(request):
            return []
        return [action for action in self.confirmed_actions if not action.superusers_only or is_superuser(request)]

    def has_confirmed_actions_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))

    def action_view(self, request: HttpRequest, object_id: uuid.UUID, name: str) -> HttpResponse:
        obj = self.get_object(request, str(object_id))
        action = next((action for action in self.confirmed_actions if action.name == name), None)
        if action is None or obj is None:
            raise Http404
        if action not in self.get_available_actions(request, obj):
            raise PermissionDenied
        return self.confirm(request, action, [obj], back_url=reverse(self._reverse_name("change"), args=[obj.pk]))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        obj = kwargs.get("obj")
        if obj is not None:
            links = [*self._action_links(request, obj), *self.get_extra_links(request, obj)]
            context |= {"action_links": links, "panels": self.get_panels(request, obj)}
        return super().render_change_form(request, context, *args, **kwargs)

    def describe(self, obj: Any) -> str:
        """Return how the confirmation page names the row."""
        return str(obj)

    def get_extra_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, Any]]:
        """Return links to show beside the actions: pairs of a URL and an object with a title and an icon."""
        return []

    def get_panels(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """Return the tables to show below the form, as `admin/panels.html` takes them."""
        return []

    def _action_links(self, request: HttpRequest, obj: Model) -> list[tuple[str, ConfirmedAction]]:
        return [
            (reverse(self._reverse_name("action"), args=[obj.pk, action.name]), action)
            for action in self.get_available_actions(request, obj)
            if action.is_applicable(obj)
        ]

    def confirm(
        self, request: HttpRequest, action: ConfirmedAction, objects: Sequence[Model], *, back_url: str
    ) -> HttpResponse:
        """Show the confirmation page or, after its button was pressed, run the action and redirect."""
        is_confirmed = "confirm" in request.POST
        form = ReasonForm(request.POST if is_confirmed else None) if action.requires_reason else None
        if is_confirmed and (form is None or form.is_valid()):
            if action.needs_recent_proof:
                self.require_recent_proof(request)
            self._run(request, action, objects, reason=form.cleaned_data["reason"] if form else "")
            return redirect(back_url)
        context = {
            **self.admin_site.each_context(request),
            "title": action.title,
            "opts": self.opts,
            "action": action,
            "objects": [(obj.pk, self.describe(obj)) for obj in objects],
            "form": form,
            "back_url": back_url,
            "media": self.media,
            "is_list": "action" in request.POST,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)

    def _run(self, request: HttpRequest, action: ConfirmedAction, objects: Iterable[Model], *, reason: str) -> None:
        count = 0
        for obj in objects:
            try:
                count += action.run(admin_id(request), obj.pk, reason) is not False
            except ApiError as error:
                messages.error(request, f"{self.describe(obj)}: {error.message}")
        text = ngettext("%(action)s: %(count)d done.", "%(action)s: %(count)d done.", count)
        level = messages.SUCCESS if count else messages.WARNING
        messages.add_message(request, level, text % {"action": action.title, "count": count})

    def _url_name(self, view: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{view}"

    def _reverse_name(self, view: str) -> str:
        return f"admin:{self._url_name(view)}"


def _confirm_selected(
    action: ConfirmedAction, model_admin: ConfirmedActionsAdmin, request: HttpRequest, _queryset: QuerySet[Any]
) -> HttpResponse:
    """Apply to the rows that were ticked, never to all search results, which the user has not seen."""
    values = request.POST.getlist(ACTION_CHECKBOX_NAME)
    ids = [row_id for value in values if (row_id := parse_id(value)) is not None]
    rows = model_admin.get_queryset(request).filter(pk__in=ids[: model_admin.list_per_page])
    return model_admin.confirm(request, action, list(rows), back_url=request.get_full_path())
