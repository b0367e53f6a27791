"""The caller's own account, for peers that leave this view to the project that uses them."""

from django.contrib.auth import get_user_model
from rest_framework.generics import RetrieveAPIView
from rest_framework.serializers import ModelSerializer


class UserSerializer(ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = ("id", "username", "email", "first_name", "last_name", "date_joined", "last_login")


class Me(RetrieveAPIView):
    serializer_class = UserSerializer

    def get_object(self):
        return self.request.user
