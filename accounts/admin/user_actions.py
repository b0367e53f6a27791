"""What administrators do for or to a user from the admin: each is the service that the API calls."""

from django.utils.translation import gettext_lazy as _

from accounts.admin.confirmed_actions import Deed
from accounts.mfa.flows import enrolment
from accounts.models import User
from accounts.services.administration import support, users

USER_DEEDS = (
    Deed(
        name="revoke-sessions",
        title=_("Sign out everywhere"),
        question=_("All sessions end at once, on every device. The password stays what it is."),
        icon="logout",
        is_grave=True,
        run=lambda actor, user, _reason: users.sign_out(actor_id=actor, user_id=user),
    ),
    Deed(
        name="verify",
        title=_("Mark the email as verified"),
        question=_("On your word, the address counts as proven. A welcome email goes out, and open codes die."),
        icon="verified",
        is_for_others=True,
        run=lambda actor, user, _reason: support.verify(actor_id=actor, user_id=user),
    ),
    Deed(
        name="resend",
        title=_("Send the verification or invitation again"),
        question=_("The code or link that was sent before opens nothing any more."),
        icon="forward_to_inbox",
        run=lambda actor, user, _reason: support.send_proof_again(actor_id=actor, user_id=user),
    ),
    Deed(
        name="send-reset",
        title=_("Send a password reset"),
        question=_("A link to set a new password goes to the user's address. Until it is used, nothing changes."),
        icon="lock_reset",
        run=lambda actor, user, _reason: support.send_reset(actor_id=actor, user_id=user),
    ),
    Deed(
        name="reset-second-factor",
        title=_("Remove the second factor"),
        question=_(
            "For people who lost their phone and their recovery codes. The next sign-in takes the password alone; "
            "the user is told by email."
        ),
        icon="phonelink_erase",
        is_grave=True,
        is_for_superusers=True,
        is_for_others=True,
        run=lambda actor, user, _reason: enrolment.reset_by_admin(user_id=user, actor_id=actor),
    ),
    Deed(
        name="deactivate",
        title=_("Deactivate"),
        question=_(
            "All sessions end at once, and no sign-in is let through until somebody activates the account again."
        ),
        icon="person_off",
        is_grave=True,
        asks_reason=True,
        run=lambda actor, user, reason: users.update(
            actor_id=actor, user_id=user, changes={"is_active": False, "deactivation_reason": reason}
        ),
    ),
    Deed(
        name="activate",
        title=_("Activate"),
        question=_("The user can sign in again. The reason of the deactivation is forgotten."),
        icon="person_check",
        run=lambda actor, user, _reason: users.update(actor_id=actor, user_id=user, changes={"is_active": True}),
    ),
)


def could_do(deed: Deed, user: User) -> bool:
    """Whether the page of this user should offer it: what could only be refused stands in nobody's way."""
    fits = {
        "verify": not user.email_verified,
        "resend": user.is_active and not (user.email_verified and user.has_usable_password()),
        "send-reset": user.is_active,
        "reset-second-factor": user.mfa_enabled,
        "deactivate": user.is_active,
        "activate": not user.is_active,
    }
    return fits.get(deed.name, True)
