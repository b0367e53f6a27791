"""The paths of the sign-in by email below /api/auth. `config.urls` includes them if the capability is installed."""

from accounts.login_codes.api.views import LoginCodeViewSet, ReauthenticationCodeViewSet
from core.api.routers import OptionalSlashRouter

router = OptionalSlashRouter()
router.register("", LoginCodeViewSet, basename="logincode")
router.register("", ReauthenticationCodeViewSet, basename="reauthenticationcode")

urlpatterns = router.urls
