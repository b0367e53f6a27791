"""The action that turns a user's two-factor authentication off. Django's autodiscovery imports this module."""

from django.utils.translation import gettext_lazy as _

from accounts.admin.confirmed_actions import ConfirmedAction
from accounts.admin.user_actions import USER_ACTIONS
from accounts.mfa.flows import enrolment

USER_ACTIONS.register(
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
        is_applicable=lambda user: user.mfa_enabled,
        run=lambda actor, user, _reason: enrolment.reset_by_admin(user_id=user, actor_id=actor),
    )
)
