"""The same empty application behind the bridge that this service is served by."""

import os

from bare.raw import application as raw_application
from core.http.wsgi_bridge import WsgiBridge

application = WsgiBridge(raw_application, threads=int(os.environ["BRIDGE_THREADS"]), max_body_bytes=64 * 1024)
