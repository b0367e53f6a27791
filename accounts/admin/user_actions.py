"""The actions of administrators on users. Each calls the service that the API calls. A capability registers its own."""

from django.utils.translation import gettext_lazy as _

from accounts.admin.confirmed_actions import ConfirmedAction
from accounts.services.administration import support, users
from core.registry import Registry

USER_ACTIONS: Registry[ConfirmedAction] = Registry("user action")
USER_ACTIONS.register(
    ConfirmedAction(
        name="revoke-sessions",
        title=_("Sign out everywhere"),
        question=_("Ends all sessions of the user immediately, on every device. The password stays the same."),
        icon="logout",
        is_destructive=True,
        run=lambda actor, user, _reason: support.revoke_sessions(actor_id=actor, user_id=user),
    ),
    ConfirmedAction(
        name="verify",
        title=_("Mark email as verified"),
        question=_(
            "Marks the address as verified without a code. A welcome email is sent; outstanding codes stop working."
        ),
        icon="verified",
        not_on_self=True,
        is_applicable=lambda user: not user.email_verified,
        run=lambda actor, user, _reason: support.mark_email_verified(actor_id=actor, user_id=user),
    ),
    ConfirmedAction(
        name="resend",
        title=_("Resend verification or invitation"),
        question=_("Sends a new code or link. The previous one stops working."),
        icon="forward_to_inbox",
        needs_recent_proof=False,
        is_applicable=lambda user: user.is_active and not (user.email_verified and user.has_usable_password()),
        run=lambda actor, user, _reason: support.resend_onboarding_email(actor_id=actor, user_id=user),
    ),
    ConfirmedAction(
        name="send-reset",
        title=_("Send password reset"),
        question=_("Sends the user a link to set a new password. Nothing changes until the link is used."),
        icon="lock_reset",
        needs_recent_proof=False,
        is_applicable=lambda user: user.is_active,
        run=lambda actor, user, _reason: support.send_password_reset(actor_id=actor, user_id=user),
    ),
    ConfirmedAction(
        name="deactivate",
        title=_("Deactivate"),
        question=_("Ends all sessions immediately. The user cannot sign in until the account is activated again."),
        icon="person_off",
        is_destructive=True,
        requires_reason=True,
        is_applicable=lambda user: user.is_active,
        run=lambda actor, user, reason: users.update(
            actor_id=actor, user_id=user, changes={"is_active": False, "deactivation_reason": reason}
        ),
    ),
    ConfirmedAction(
        name="activate",
        title=_("Activate"),
        question=_("The user can sign in again. The deactivation reason is cleared."),
        icon="person_check",
        is_applicable=lambda user: not user.is_active,
        run=lambda actor, user, _reason: users.update(actor_id=actor, user_id=user, changes={"is_active": True}),
    ),
)
