"""What can be done to a row of a list, or to several: asked first, carried out by a service, told one by one."""

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

from accounts.admin.admin_user import caller_id, is_administrator, is_superuser
from accounts.admin.base import FastAdmin
from accounts.models.user import LONGEST_REASON
from core.api.exceptions import ApiError
from core.ids import parse_id

Run = Callable[[uuid.UUID, uuid.UUID, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`run` takes the ids of who does it and of the row, and the reason; an ApiError is what it refuses with.

    `run` may answer False where there was nothing to do. `name` stands in addresses, `question` above the button.
    """

    name: str
    title: str | Promise
    question: str | Promise
    run: Run
    icon: str
    is_grave: bool = False
    asks_reason: bool = False
    is_for_superusers: bool = False
    is_for_others: bool = False


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=_("For other administrators to read; the user is not told."),
    )


class DeedAdmin(FastAdmin):
    """A list whose rows have deeds: each a button on the page of its row, and an action for the rows that are chosen."""

    deeds: Sequence[Deed] = ()
    change_form_outer_before_template = "admin/deeds.html"
    change_form_outer_after_template = "admin/panels.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.deed_view)
        return [path("<uuid:object_id>/do/<slug:name>/", view, name=self._name("deed")), *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing is deleted by the list, where one who must stay could be among many."""
        offered = {deed.name: (partial(_ask_of_list, deed), deed.name, deed.title) for deed in self.deeds_for(request)}
        return {
            name: action for name, action in super().get_actions(request).items() if name != "delete_selected"
        } | offered

    def deeds_for(self, request: HttpRequest, obj: Any = None) -> list[Deed]:
        """What this person may do, to this row if one is given. The services decide again."""
        if not is_administrator(request) or not self.has_deed_permission(request):
            return []
        return [deed for deed in self.deeds if not deed.is_for_superusers or is_superuser(request)]

    def offers(self, deed: Deed, obj: Any) -> bool:
        """Whether the page of this row shows the button: not where it could only be refused."""
        return True

    def has_deed_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))

    def deed_view(self, request: HttpRequest, object_id: uuid.UUID, name: str) -> HttpResponse:
        obj = self.get_object(request, str(object_id))
        deed = next((deed for deed in self.deeds if deed.name == name), None)
        if deed is None or obj is None:
            raise Http404
        if deed not in self.deeds_for(request, obj):
            raise PermissionDenied
        back = reverse(f"admin:{self._name('change')}", args=[obj.pk])
        return self.ask(request, deed, [obj], back=back)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        obj = kwargs.get("obj")
        if obj is not None:
            links = [*self._links(request, obj), *self.other_links(request, obj)]
            context |= {"deeds": links, "panels": self.panels(request, obj)}
        return super().render_change_form(request, context, *args, **kwargs)

    def in_words(self, obj: Any) -> str:
        """What the page that asks calls the row."""
        return str(obj)

    def other_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, Any]]:
        """Pages beside the deeds: an address, and what has a title and an icon."""
        return []

    def panels(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """Tables below the form, as `admin/panels.html` takes them."""
        return []

    def _links(self, request: HttpRequest, obj: Model) -> list[tuple[str, Deed]]:
        return [
            (reverse(f"admin:{self._name('deed')}", args=[obj.pk, deed.name]), deed)
            for deed in self.deeds_for(request, obj)
            if self.offers(deed, obj)
        ]

    def ask(self, request: HttpRequest, deed: Deed, objects: Sequence[Model], *, back: str) -> HttpResponse:
        """The page that asks; or, where its button was pressed, the deed."""
        is_sure = "confirm" in request.POST
        form = ReasonForm(request.POST if is_sure else None) if deed.asks_reason else None
        if is_sure and (form is None or form.is_valid()):
            reason = form.cleaned_data["reason"] if form else ""
            self._carry_out(request, deed, objects, reason)
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": deed.title,
            "opts": self.opts,
            "deed": deed,
            "objects": [(obj.pk, self.in_words(obj)) for obj in objects],
            "form": form,
            "back": back,
            "media": self.media,
            "is_list": "action" in request.POST,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/ask.html", context)

    def _carry_out(self, request: HttpRequest, deed: Deed, objects: Iterable[Model], reason: str) -> None:
        done = 0
        for obj in objects:
            try:
                done += deed.run(caller_id(request), obj.pk, reason) is not False
            except ApiError as error:
                messages.error(request, f"{self.in_words(obj)}: {error.message}")
        text = ngettext("%(deed)s: done for %(count)d.", "%(deed)s: done for %(count)d.", done)
        level = messages.SUCCESS if done else messages.WARNING
        messages.add_message(request, level, text % {"deed": deed.title, "count": done})

    def _name(self, view: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{view}"


def _ask_of_list(deed: Deed, model_admin: DeedAdmin, request: HttpRequest, _chosen: QuerySet[Any]) -> HttpResponse:
    """Of the rows that were ticked, never of all that were found: nobody has seen those."""
    ids = [row_id for text in request.POST.getlist(ACTION_CHECKBOX_NAME) if (row_id := parse_id(text)) is not None]
    rows = model_admin.get_queryset(request).filter(pk__in=ids[: model_admin.list_per_page])
    return model_admin.ask(request, deed, list(rows), back=request.get_full_path())
