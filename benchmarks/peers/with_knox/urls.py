"""knox's paths; its login leaves the look at the password to REST framework."""

from django.urls import path
from knox.views import LoginView, LogoutView
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.permissions import AllowAny
from shared.me import Me


class PasswordLoginView(LoginView):
    """As knox's documentation shows it, without Django's session beside the token."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def post(self, request, format=None):  # noqa: A002 - REST framework's name
        form = AuthTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        request.user = form.validated_data["user"]
        return super().post(request, format=format)


urlpatterns = [
    path("me/", Me.as_view()),
    path("login/", PasswordLoginView.as_view()),
    path("logout/", LogoutView.as_view()),
]
