"""The paths below /api/auth. A trailing slash is optional."""

from accounts.api.views.email_change import EmailChangeUndoViewSet, EmailChangeViewSet
from accounts.api.views.forward_auth import ForwardAuthViewSet
from accounts.api.views.introspection import IntrospectionViewSet
from accounts.api.views.me import MeViewSet
from accounts.api.views.passwords import PasswordChangeViewSet, PasswordResetViewSet
from accounts.api.views.pending_logins import PendingLoginViewSet
from accounts.api.views.reauthentication import ReauthenticationViewSet
from accounts.api.views.registration import RegistrationViewSet
from accounts.api.views.sessions import AuditedSessionViewSet, LogoutAllViewSet
from accounts.api.views.tokens import TokenViewSet
from accounts.api.views.users import UserViewSet
from core.api.routers import OptionalSlashRouter

router = OptionalSlashRouter()
router.register("sessions", AuditedSessionViewSet, basename="session")
router.register("users", UserViewSet, basename="user")
for view_set in (
    RegistrationViewSet,
    TokenViewSet,
    ReauthenticationViewSet,
    LogoutAllViewSet,
    MeViewSet,
    PasswordResetViewSet,
    PasswordChangeViewSet,
    EmailChangeViewSet,
    EmailChangeUndoViewSet,
    PendingLoginViewSet,
    ForwardAuthViewSet,
    IntrospectionViewSet,
):
    router.register("", view_set, basename=view_set.__name__.removesuffix("ViewSet").lower())

urlpatterns = router.urls
