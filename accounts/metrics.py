"""What accounts count for /metrics."""

from core.metrics.registry import counter, gauge

LOGINS = counter("logins", "Sign-ins by result: ok, or the reason of the failure.", "result")
REAUTHENTICATIONS = counter(
    "reauthentications", "Attempts to confirm an identity, by method and result.", "method", "result"
)
REFRESHES = counter("refreshes", "Refreshes by result: ok, or the error code.", "result")
REFRESH_REUSE = counter("refresh_reuse", "Retired refresh tokens presented again: each revoked its session.")
AUDIT_EVENTS = counter("audit_events", "Events written to the audit log, by kind.", "kind")
EMAILS = counter("emails", "Attempts to send an email: sent, retried, failed or discarded.", "result")
HASHES_RUNNING = gauge("hashes_running", "Password hashes being computed, each on one core.", mode="livesum")
HASHES_WAITING = gauge("hashes_waiting", "Requests waiting until their password can be hashed.", mode="livesum")
HASHES_REFUSED = counter("hashes_refused", "Requests rejected because too many wait for a hash.")
