"""allauth's own paths, and one that answers who the caller is by its authentication class for REST framework."""

from django.urls import include, path
from shared.me import Me

urlpatterns = [
    path("me/", Me.as_view()),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
]
