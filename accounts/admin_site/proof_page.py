"""The page "Confirm that it's you", which interrupts a sensitive request of an admin session without a recent proof.

The page has the URL of the request that it interrupts, and carries the request's fields, so nothing that was typed is lost
or stored, and there is no address to redirect to. Passwords are not carried.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from accounts.admin_site import recent_proof
from accounts.admin_site.password_change import set_retry_after
from accounts.admin_site.proof_form import CODE, PASSWORD, ProofForm
from accounts.admin_site.recent_proof import RecentProofRequired

View = Callable[..., HttpResponse]

_METHOD = "proof_method"  # the method of the interrupted request; its presence marks a submitted proof
_NOT_CARRIED = frozenset({_METHOD, PASSWORD, CODE, "csrfmiddlewaretoken"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(view: View, site: AdminSite) -> View:
    """Return the view with its requests guarded.

    Each request that could change something needs a recent proof, unless the owner of the view, a model admin or the site,
    lists the view in `self_guarded_views`: those call `recent_proof.require` themselves. Views in `guarded_forms` need a
    recent proof to be opened, too.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and _METHOD in request.POST:
            interruption = _take_proof(request, site)
            if interruption is not None:
                return interruption
        try:
            if _is_guarded(view, request):
                recent_proof.require(request)
            return view(request, *args, **kwargs)
        except RecentProofRequired:
            return _page(request, site, ProofForm(request=request))

    return guarded


def _is_guarded(view: View, request: HttpRequest) -> bool:
    owner, name = getattr(view, "__self__", None), getattr(view, "__name__", "")
    if request.method in _SAFE_METHODS:
        return name in getattr(owner, "guarded_forms", ())
    return name not in getattr(owner, "self_guarded_views", ())


def _take_proof(request: HttpRequest, site: AdminSite) -> HttpResponse | None:
    """Check the submitted proof, and restore the interrupted request or return the response that ends this one.

    A repeated submission, whose code is already used up, passes: the session has its recent proof.
    """
    method = request.POST[_METHOD]
    if not recent_proof.is_recent(request):
        form = ProofForm(request.POST, request=request)
        if not form.is_valid():
            return _page(request, site, form, method=method)
        request.session.cycle_key()  # as after a login (ASVS 7.2.4)
        recent_proof.record(request, second_factor=form.has_second_factor)
    if method != "POST":
        return HttpResponseRedirect(request.get_full_path())
    request.POST = _carried(request)
    return None


def _page(request: HttpRequest, site: AdminSite, form: ProofForm, *, method: str | None = None) -> HttpResponse:
    carried = _carried(request)
    context = {
        **site.each_context(request),
        "title": _("Confirm that it's you"),
        "form": form,
        "method_field": (_METHOD, method or request.method),
        "carried": [(name, value) for name, values in carried.lists() for value in values],
        "loses_password": any(request.POST.get(name) for name in request.POST if _is_password(name)),
    }
    response = TemplateResponse(request, "admin/confirm_identity.html", context)
    add_never_cache_headers(response)
    if form.api_error is not None:
        set_retry_after(response, form.api_error)
    return response


def _carried(request: HttpRequest) -> Any:
    """Return a copy of the request's fields, without passwords and without what belongs to the page itself."""
    fields = request.POST.copy()
    for name in list(fields):
        if name in _NOT_CARRIED or _is_password(name):
            del fields[name]
    return fields


def _is_password(name: str) -> bool:
    """Recognize the password fields of Django's forms; `usable_password` is a choice."""
    return "password" in name and name not in {"usable_password", PASSWORD}
