"""Django and REST framework with nothing around them: what no project built on them can be faster than."""

SECRET_KEY = "only-for-measuring-and-never-reachable-from-elsewhere-0123456789"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]
MIDDLEWARE = []
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": []}
ROOT_URLCONF = "bare.urls"
