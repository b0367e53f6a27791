"""The paths of passkeys below /api/auth. `config.urls` includes them if the capability is installed."""

from accounts.passkeys.api.sign_in_views import PasskeySignInViewSet, PasskeyStepUpViewSet
from accounts.passkeys.api.views import PasskeyViewSet
from core.api.routers import OptionalSlashRouter

router = OptionalSlashRouter()
# Before the routes with an id, which match the same paths.
router.register("", PasskeySignInViewSet, basename="passkey-sign-in")
router.register("", PasskeyStepUpViewSet, basename="passkey-step-up")
router.register("passkeys", PasskeyViewSet, basename="passkey")

urlpatterns = router.urls
