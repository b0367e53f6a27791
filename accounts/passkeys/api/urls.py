"""The paths of passkeys below /api/auth. `config.urls` includes them if the capability is installed."""

from core.api.routers import OptionalSlashRouter

router = OptionalSlashRouter()

urlpatterns = router.urls
