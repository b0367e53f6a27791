"""What is answered in front of Django of signing up, in and out. See core.fast_path.drf_adapter."""

from accounts.api.views.registration import RegistrationViewSet
from accounts.api.views.tokens import TokenViewSet
from core.fast_path.drf_adapter import in_front

register = in_front(RegistrationViewSet, "register")
login = in_front(TokenViewSet, "login")
refresh = in_front(TokenViewSet, "refresh")
logout = in_front(TokenViewSet, "logout")
