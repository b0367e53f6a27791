"""One view of each kind, with the same small answer."""

from django.http import JsonResponse
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView


def plain(request):
    return JsonResponse({"success": True})


class Rest(APIView):
    def get(self, request):
        return Response({"success": True})


urlpatterns = [path("django/", plain), path("drf/", Rest.as_view())]
