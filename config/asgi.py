"""The entry point of the web server: the WSGI application, behind an interface that keeps every byte of a header."""

from django.conf import settings

from config.wsgi import application as wsgi_application
from core.http.wsgi_bridge import WsgiBridge

# A request that waits for a password hash gives its slot back (core.concurrency), but keeps its thread.
_THREADS = settings.WEB_THREADS + settings.HASH_CONCURRENCY + settings.HASH_QUEUE_SIZE

application = WsgiBridge(wsgi_application, threads=_THREADS, max_body_bytes=settings.MAX_BODY_BYTES)
