"""Assigns each parallel test process its own databases of the test Redis."""

import os

_PREFIX = "gw"


def redis_url_for_worker(*, broker: bool = False) -> str:
    """Return REDIS_URL with this pytest-xdist worker's database: an even number for the cache, the next one for Celery."""
    number = 2 * _worker_number() + broker
    server = os.environ["REDIS_URL"].partition("?")[0]
    if broker:
        return f"{server.replace('unix://', 'redis+socket://')}?virtual_host={number}"
    return f"{server}?db={number}"


def _worker_number() -> int:
    """Return 0 without xdist, else the number of the worker `gw0`, `gw1`… plus one."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(worker.removeprefix(_PREFIX)) + 1 if worker.startswith(_PREFIX) else 0
