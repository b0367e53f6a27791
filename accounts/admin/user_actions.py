"""The actions of administrators on users. Each calls the service that the API calls."""

from django.utils.translation import gettext_lazy as _

from accounts.admin.confirmed_actions import ConfirmedAction
from accounts.mfa.flows import enrolment
from accounts.models import User
from accounts.services.administration import support, users

USER_ACTIONS = (
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
        run=lambda actor, user, _reason: support.mark_email_verified(actor_id=actor, user_id=user),
    ),
    ConfirmedAction(
        name="resend",
        title=_("Resend verification or invitation"),
        question=_("Sends a new code or link. The previous one stops working."),
        icon="forward_to_inbox",
        run=lambda actor, user, _reason: support.resend_onboarding_email(actor_id=actor, user_id=user),
    ),
    ConfirmedAction(
        name="send-reset",
        title=_("Send password reset"),
        question=_("Sends the user a link to set a new password. Nothing changes until the link is used."),
        icon="lock_reset",
        run=lambda actor, user, _reason: support.send_password_reset(actor_id=actor, user_id=user),
    ),
    ConfirmedAction(
        name="reset-second-factor",
        title=_("Turn off two-factor authentication"),
        question=_(
            "For users who lost both their phone and their recovery codes. "
            "They can then sign in with just their password, and are notified by email."
        ),
        icon="phonelink_erase",
        is_destructive=True,
        superusers_only=True,
        not_on_self=True,
        run=lambda actor, user, _reason: enrolment.reset_by_admin(user_id=user, actor_id=actor),
    ),
    ConfirmedAction(
        name="deactivate",
        title=_("Deactivate"),
        question=_("Ends all sessions immediately. The user cannot sign in until the account is activated again."),
        icon="person_off",
        is_destructive=True,
        requires_reason=True,
        run=lambda actor, user, reason: users.update(
            actor_id=actor, user_id=user, changes={"is_active": False, "deactivation_reason": reason}
        ),
    ),
    ConfirmedAction(
        name="activate",
        title=_("Activate"),
        question=_("The user can sign in again. The deactivation reason is cleared."),
        icon="person_check",
        run=lambda actor, user, _reason: users.update(actor_id=actor, user_id=user, changes={"is_active": True}),
    ),
)


def is_applicable(action: ConfirmedAction, user: User) -> bool:
    """Return whether the page of this user shows the action: not if the service would refuse anyway."""
    applicable = {
        "verify": not user.email_verified,
        "resend": user.is_active and not (user.email_verified and user.has_usable_password()),
        "send-reset": user.is_active,
        "reset-second-factor": user.mfa_enabled,
        "deactivate": user.is_active,
        "activate": not user.is_active,
    }
    return applicable.get(action.name, True)
