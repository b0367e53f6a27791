"""What sessions count for /metrics."""

from core.metrics.deferred_counter import DeferredCounter
from core.metrics.registry import counter

SESSIONS_REVOKED = counter("sessions_revoked", "Sessions ended before they expired, by reason.", "reason")
PRINCIPAL_CACHE = counter("principal_cache", "Lookups of a session's principal: hit, miss or unavailable.", "result")

count_cache_hit = DeferredCounter(PRINCIPAL_CACHE.labels("hit")).increment
count_cache_miss = PRINCIPAL_CACHE.labels("miss").inc
count_cache_unavailable = PRINCIPAL_CACHE.labels("unavailable").inc
