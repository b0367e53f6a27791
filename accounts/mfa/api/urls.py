"""The paths of two-factor authentication below /api/auth. `config.urls` includes them if the capability is installed."""

from accounts.mfa.api.recovery_views import FactorRecoveryViewSet
from accounts.mfa.api.views import SecondFactorViewSet
from core.api.routers import OptionalSlashRouter

router = OptionalSlashRouter()
router.register("", SecondFactorViewSet, basename="secondfactor")
router.register("", FactorRecoveryViewSet, basename="factorrecovery")

urlpatterns = router.urls
