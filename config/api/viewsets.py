"""The view set of this API: REST framework's, without OPTIONS, which has nothing to say here."""

from rest_framework import viewsets


class ViewSet(viewsets.ViewSet):
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
