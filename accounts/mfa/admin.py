"""The action that removes a user's authenticator app and recovery codes. Django's autodiscovery imports this module."""

from django.utils.translation import gettext_lazy as _

from accounts.admin.confirmed_actions import ConfirmedAction
from accounts.admin.user_actions import USER_ACTIONS
from accounts.mfa.flows import enrolment

USER_ACTIONS.register(
    ConfirmedAction(
        name="reset-second-factor",
        title=_("Remove authenticator app and recovery codes"),
        question=_(
            "For users who lost both their phone and their recovery codes. They are notified by email. "
            "Without a passkey, they can then sign in with just their password; "
            "those who have one keep it, and get new recovery codes at their next sign-in."
        ),
        icon="phonelink_erase",
        is_destructive=True,
        superusers_only=True,
        not_on_self=True,
        is_applicable=enrolment.has_app_or_codes,
        run=lambda actor, user, _reason: enrolment.reset_by_admin(user_id=user, actor_id=actor),
    )
)
