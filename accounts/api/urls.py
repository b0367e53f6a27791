"""The paths below /api/auth; a trailing slash is optional."""

from accounts.api.views.me import MeViewSet
from accounts.api.views.passwords import PasswordChangeViewSet, PasswordResetViewSet
from accounts.api.views.registration import RegistrationViewSet
from accounts.api.views.tokens import LogoutAllViewSet, TokenViewSet
from accounts.api.views.users import UserViewSet
from config.api.routers import OptionalSlashRouter
from sessions_tracking.api.views import SessionViewSet

router = OptionalSlashRouter()
router.register("sessions", SessionViewSet, basename="session")
router.register("users", UserViewSet, basename="user")
for view_set in (
    RegistrationViewSet,
    TokenViewSet,
    LogoutAllViewSet,
    MeViewSet,
    PasswordResetViewSet,
    PasswordChangeViewSet,
):
    router.register("", view_set, basename=view_set.__name__.removesuffix("ViewSet").lower())

urlpatterns = router.urls
