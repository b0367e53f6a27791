"""core runs without the other apps: a project of core and one app of ten lines starts, migrates and serves requests."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from core.paths import BASE_DIR
from core.testing.redis_url import redis_url_for_worker

SETTINGS = """
    import ipaddress
    from datetime import timedelta
    from pathlib import Path

    SECRET_KEY = "only-for-a-test-of-core-alone"
    DEBUG = True
    ALLOWED_HOSTS = ["testserver"]
    INSTALLED_APPS = ["rest_framework", "core", "notes"]
    MIDDLEWARE = [
        "core.http.request_context.RequestIdMiddleware",
        "core.observability.middleware.AccessLogMiddleware",
        "core.rejected_requests.middleware.RejectedRequestMiddleware",
        "core.throttling.headers.RateLimitHeadersMiddleware",
        "core.api.middleware.ApiErrorMiddleware",
        "core.observability.middleware.CommonMiddleware",
    ]
    ROOT_URLCONF = "notes.urls"
    APPEND_SLASH = False
    STATIC_URL = "/static/"
    USE_TZ = True
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    DATABASES = {"default": {"ENGINE": "core.db.sqlite", "NAME": Path(__file__).with_name("notes.sqlite3")}}
    CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL}}
    REST_FRAMEWORK = {
        "EXCEPTION_HANDLER": "core.api.exception_handler.handle",
        "DEFAULT_THROTTLE_CLASSES": ["core.throttling.write_throttle.WriteThrottle"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    }
    TRUSTED_PROXIES, METRICS_TOKEN, METRICS_ALLOWED = [], "", [ipaddress.ip_network("127.0.0.0/8")]
    REDIS_BREAKER_SECONDS, REDIS_SLOW_SECONDS, REDIS_BACKGROUND_TIMEOUT = 1.0, 0.4, 1.0
    ACCESS_WRITE_SECONDS = HEALTH_CHECK_TIMEOUT = REJECTED_REQUEST_WRITE_SECONDS = None
    REJECTED_REQUEST_RETENTION = timedelta(hours=1)
    REJECTED_REQUEST_TOKEN_READER = "core.rejected_requests.middleware.no_token"
    LOG_FORMAT, BROKER_IS_REDIS, RATE_LIMITS = "json", True, False
"""
MODELS = """
    from django.db import models

    class Note(models.Model):
        text = models.CharField(max_length=100)
"""
URLS = """
    from django.urls import path

    from core.api.exceptions import NotFound
    from core.api.viewsets import ViewSet
    from core.observability import health_views, metrics_view
    from notes.models import Note

    class NoteViewSet(ViewSet):
        def retrieve(self, request, pk):
            if not Note.objects.filter(pk=pk).exists():
                raise NotFound

    urlpatterns = [
        path("healthz", health_views.healthz),
        path("readyz", health_views.readyz),
        path("metrics", metrics_view.scrape),
        path("api/notes/<int:pk>", NoteViewSet.as_view({"get": "retrieve"})),
    ]
"""
REQUESTS = """
    import sys

    import django

    django.setup()

    from django.core.management import call_command
    from django.test import Client

    call_command("makemigrations", "notes", verbosity=0)
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("check")
    client = Client()
    health, ready, note = client.get("/healthz"), client.get("/readyz"), client.get("/api/notes/7")
    assert health.status_code == 200, health.content
    assert ready.status_code == 200, ready.content
    assert "emails" not in ready.json()
    assert note.status_code == 404, note.content
    assert note.json() == {"success": False, "message": note.json()["message"], "code": "not_found"}
    assert b"vestibule_http_requests_total" in client.get("/metrics", REMOTE_ADDR="127.0.0.1").content
    apps = {name.partition(".")[0] for name in sys.modules}
    assert not apps & {"accounts", "sessions_tracking", "config"}, apps
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    app = tmp_path / "notes"
    (app / "migrations").mkdir(parents=True)
    for package in (app, app / "migrations"):
        (package / "__init__.py").touch()
    for file, text in ((app / "models.py", MODELS), (app / "urls.py", URLS), (tmp_path / "send_requests.py", REQUESTS)):
        file.write_text(textwrap.dedent(text))
    redis = f"REDIS_URL = {redis_url_for_worker()!r}\n"
    (tmp_path / "notes_settings.py").write_text(redis + textwrap.dedent(SETTINGS))
    return tmp_path


def test_a_project_of_core_and_one_small_app_starts(project: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "notes_settings"}
    environment["PYTHONPATH"] = os.pathsep.join([str(project), str(BASE_DIR)])

    result = subprocess.run(
        [sys.executable, str(project / "send_requests.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
