"""Pin the measured server to one core, and everything else to another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_CAN_PIN = hasattr(os, "sched_setaffinity")
_CORES = sorted(os.sched_getaffinity(0)) if _CAN_PIN else []

# On one core, or without CPU affinity, everything shares all cores, and the report says so.
ARE_SEPARATE = len(_CORES) > 1
_SERVER, _REST = (_CORES[:1], _CORES[1:2]) if ARE_SEPARATE else (_CORES, _CORES)


def leave_server_core() -> None:
    """Pin this process and its future children (the databases and the load) to the other core."""
    if _CAN_PIN:
        os.sched_setaffinity(0, _REST)


@contextmanager
def on_server_core() -> Iterator[None]:
    """Pin processes that are started in this context to the server's core."""
    if not _CAN_PIN:
        yield
        return
    os.sched_setaffinity(0, _SERVER)
    try:
        yield
    finally:
        os.sched_setaffinity(0, _REST)


@contextmanager
def on_any_core() -> Iterator[None]:
    """Do not pin processes that are started in this context."""
    if not _CAN_PIN:
        yield
        return
    os.sched_setaffinity(0, _CORES)
    try:
        yield
    finally:
        os.sched_setaffinity(0, _REST)


def describe() -> str:
    if not ARE_SEPARATE:
        return "all on the same cores, since this machine has only one or no CPU affinity"
    return "the server alone on one core; databases and load on another"
