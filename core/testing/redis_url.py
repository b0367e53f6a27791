"""Which database of the tests' Redis belongs to this process, so that tests that run side by side do not meet."""

import os

_PREFIX = "gw"


def redis_url_for_worker(*, broker: bool = False) -> str:
    """REDIS_URL with the database of this pytest-xdist worker: an even one for the cache, the odd one after for Celery."""
    number = 2 * _worker_number() + broker
    address = os.environ["REDIS_URL"].partition("?")[0]
    if broker:
        return f"{address.replace('unix://', 'redis+socket://')}?virtual_host={number}"
    return f"{address}?db={number}"


def _worker_number() -> int:
    """0 without xdist, else one more than the number in its `gw0`, `gw1`…"""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(worker.removeprefix(_PREFIX)) + 1 if worker.startswith(_PREFIX) else 0
