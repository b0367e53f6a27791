"""Every path of the deployment, and what answers where no view does."""

from django.conf import settings
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config import health
from config.api import documentation, fallback
from config.watching import scrape

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", scrape.scrape),
    path("api/auth/", include("accounts.api.urls")),
    path(".well-known/", include("accounts.api.well_known")),
    path("api/", include(documentation.urlpatterns)),
    re_path(r"^api(/.*)?$", fallback.not_found),
    path("admin/", admin.site.urls),
    path("favicon.ico", RedirectView.as_view(url=static("vestibule/mark.svg"))),
    path("", include("config.pages")),
]

if settings.DEBUG:
    urlpatterns.append(path("", include("config.mailbox.urls")))

handler400 = fallback.bad_request
handler403 = fallback.forbidden
handler404 = fallback.not_found
handler500 = fallback.server_error
