"""Users in Django's admin."""

import uuid
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm

from accounts import audit
from accounts.admin import user_change_panels, user_form_values
from accounts.admin.admin_user import caller_id, is_own, is_superuser, stands_above
from accounts.admin.confirmed_actions import Deed, DeedAdmin
from accounts.admin.display import column
from accounts.admin.filters import EmailVerifiedFilter
from accounts.admin.forms import NewUserForm, UserForm, is_last_admin
from accounts.admin.no_admin_log import Unlogged
from accounts.admin.search import people
from accounts.admin.user_actions import USER_DEEDS, could_do
from accounts.mail import outbox
from accounts.models import AuditKind, User
from accounts.services import registration_claims
from accounts.services.administration import audit_records, permissions, side_effects
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason

_PRIVILEGES = ("role", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(Unlogged, DeedAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    form, add_form, change_password_form = UserForm, NewUserForm, AdminPasswordChangeForm
    deeds = USER_DEEDS
    list_display = ("name", "address", "full_name", "role", "state", "mfa_enabled", "created")
    list_filter = ("role", "is_active", EmailVerifiedFilter, "is_staff")
    sortable_by = ("name", "address", "created")
    search_fields = ("username_key", "email_key", "first_name", "last_name", "id")
    search_help_text = _("Email, username or name, from its beginning; or a whole id")
    filter_horizontal = ()  # two boxes side by side are wider than the page
    ordering = ("-id",)  # the order in which they came, and the index that there is
    readonly_fields = ("mfa_enabled", "created_at", "updated_at", "last_login", "deactivated_at")
    fieldsets = (
        (_("Person"), {"fields": ("username", "email", "first_name", "last_name", "language", "seen_at")}),
        (_("Activity"), {"fields": ("is_active", "deactivation_reason", "deactivated_at")}),
        (_("Rights"), {"fields": ("role", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Second factor"), {"fields": ("mfa_enabled",)}),
        (_("Times"), {"fields": ("email_verified_at", "last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> User | None:
        """Locked where something is about to be done: form and permissions are then judged by what is there now."""
        user = super().get_object(request, object_id, from_field)
        return user_form_values.lock(user) if user and request.method == "POST" and connection.in_atomic_block else user

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """What changes here takes hold with the next request of the user, as it does through the API."""
        if change:
            self._change(obj, form, actor_id=caller_id(request))
            return
        super().save_model(request, obj, form, change)
        side_effects.announce(obj)
        audit_records.note_creation(obj, actor_id=caller_id(request))

    def _change(self, user: User, form: Any, *, actor_id: uuid.UUID) -> None:
        """`user` is the row that `get_object` has locked, with what the form changes of it."""
        before = User.objects.get(id=user.id)
        verified = bool(user.email_verified_at) if "email_verified_at" in form.changed_data else None
        after = side_effects.apply(
            before, user_form_values.values(before, user), email_verified=verified, actor_id=actor_id
        )
        if verified:  # at the time that the form says
            User.objects.filter(id=user.id).update(email_verified_at=user.email_verified_at)
        audit_records.note_change(before, after, actor_id=actor_id)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        before = permissions.of_user(form.instance)
        super().save_related(request, form, formsets, change)
        permissions.note_user(form.instance, before, actor_id=caller_id(request))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page; `EndSessionsOnChange` ends the sessions. One's own is changed where the old one is asked for."""
        if is_own(request, unquote(id)):
            return redirect("admin:password_change")
        with transaction.atomic():
            before = self.get_object(request, unquote(id))
            reply = super().user_change_password(request, id, form_url)
            after = User.objects.filter(id=before.id).exclude(password=before.password).first() if before else None
            if before and after:
                side_effects.settle_password(before, after, actor_id=caller_id(request))
                facts = {"fields": "password"}
                audit.record(AuditKind.USER_CHANGED, user_id=after.id, actor_id=caller_id(request), facts=facts)
        return reply

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Who is no superuser raises nobody, themselves least of all. One's own address changes by the API, with the password."""
        fields = super().get_readonly_fields(request, obj)
        if obj is not None and is_own(request, obj.pk):
            fields = (*fields, "email", "email_verified_at")
        return fields if is_superuser(request) else (*fields, *_PRIVILEGES)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """As in `authority`: nobody touches who stands above them."""
        return super().has_change_permission(request, obj) and not stands_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody deletes the last administrator, and nobody deletes by the list, where such a one could be among many."""
        if obj is not None and (stands_above(request, obj) or is_last_admin(obj) or is_own(request, obj.pk)):
            return False  # one's own account is deleted by the API, with the password
        return super().has_delete_permission(request, obj)

    def deeds_for(self, request: HttpRequest, obj: Any = None) -> list[Deed]:
        if stands_above(request, obj):
            return []
        found = super().deeds_for(request, obj)
        is_theirs = obj is not None and is_own(request, obj.pk)
        return [deed for deed in found if not (is_theirs and deed.is_for_others)]

    def offers(self, deed: Deed, obj: Any) -> bool:
        return could_do(deed, obj)

    def in_words(self, obj: Any) -> str:
        return " · ".join(part for part in (obj.username, self.full_name(obj), obj.email) if part)

    def panels(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        return user_change_panels.of(obj, request)

    def other_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, Any]]:
        """Of the password nothing is shown, not even how it is hashed."""
        if not self.has_change_permission(request, obj):
            return []
        if is_own(request, obj.pk):
            return [(reverse("admin:password_change"), {"title": _("Change the password"), "icon": "password"})]
        link = {"title": _("Set a password"), "icon": "password"}
        return [(reverse("admin:auth_user_password_change", args=[obj.pk]), link)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        return queryset.filter(people(search_term)), False

    @column(description=_("user"), ordering="username_key")
    def name(self, user: User) -> str:
        return user.username

    @column(description=_("email"), ordering="email_key")
    def address(self, user: User) -> str | None:
        return user.email

    @column(description=_("name"))
    def full_name(self, user: User) -> str:
        return f"{user.first_name} {user.last_name}".strip()

    @column(description=_("state"), label={"inactive": "danger", "active": "success", "unverified": "warning"})
    def state(self, user: User) -> tuple[str, Any]:
        if not user.is_active:
            return "inactive", _("deactivated")
        return ("active", _("active")) if user.email_verified else ("unverified", _("not verified"))

    @column(description=_("created at"), ordering="id")
    def created(self, user: User) -> Any:
        return user.created_at

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Counted, not listed: the rows of one user may be thousands."""
        [user] = objs
        counts = {_("sessions"): user.sessions.count(), _("emails"): user.emails.count()}
        return [str(user)], {str(_("users")): 1} | {str(name): count for name, count in counts.items()}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """`get_object` has locked the user, and `has_delete_permission` has looked for another administrator since."""
        outbox.account_deleted(obj)
        registration_claims.remove(obj.email)
        sessions.revoke_all(user_id=obj.id, reason=RevokedReason.ACCOUNT_DELETED)
        audit.record(AuditKind.ACCOUNT_DELETED, user_id=obj.id, actor_id=caller_id(request))
        super().delete_model(request, obj)
