"""Every path of the deployment, and what answers where no view does."""

from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from core.api import fallback
from core.observability import health_views, metrics_view
from core.openapi import views

urlpatterns = [
    path("healthz", health_views.healthz),
    path("readyz", health_views.readyz),
    path("metrics", metrics_view.scrape),
    path("api/auth/", include("accounts.api.urls")),
    *(path("api/auth/", include(f"{name}.api.urls")) for name in settings.CAPABILITIES if find_spec(f"{name}.api")),
    path(".well-known/", include("accounts.api.well_known")),
    *(
        path(".well-known/", include(f"{name}.well_known"))
        for name in settings.CAPABILITIES
        if find_spec(f"{name}.well_known")
    ),
    path("api/", include(views.urlpatterns)),
    re_path(r"^api(/.*)?$", fallback.not_found),
    path("admin/", admin.site.urls),
    path("favicon.ico", RedirectView.as_view(url=static("vestibule/mark.svg"))),
    path("", include("core.pages.views")),
    *(path("", include(f"{name}.pages")) for name in settings.CAPABILITIES if find_spec(f"{name}.pages")),
]

if settings.DEBUG:
    urlpatterns.append(path("", include("core.dev.mailbox.urls")))

handler400 = fallback.bad_request
handler403 = fallback.forbidden
handler404 = fallback.not_found
handler500 = fallback.server_error
