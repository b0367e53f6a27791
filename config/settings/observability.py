"""Access to /metrics, and the timing of the access log and the health checks."""

import ipaddress

from config.settings.debug import DEBUG
from core.environment import env

# If a token is set, /metrics requires it; else a direct request from one of these IPs.
METRICS_TOKEN = env.text("METRICS_TOKEN", "")
_MAX_TOKEN = 1000  # proxies take a few kilobytes of headers
if not METRICS_TOKEN.isascii() or " " in METRICS_TOKEN or len(METRICS_TOKEN) > _MAX_TOKEN:
    raise env.BadVariable(
        "METRICS_TOKEN", "must be ASCII without blanks, 1000 characters at most: it is sent in a header"
    )
if METRICS_TOKEN and not DEBUG:
    env.refuse_weak("METRICS_TOKEN", METRICS_TOKEN)
METRICS_ALLOWED = env.networks("METRICS_ALLOWED") or [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")]

# How long the access log buffers records; None writes them at once.
ACCESS_WRITE_SECONDS: float | None = 0.25
HEALTH_CHECK_TIMEOUT: float | None = 2.0
