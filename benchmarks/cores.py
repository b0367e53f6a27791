"""Which core does what: the server that is measured has one for itself, all else shares the other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_CAN_PIN = hasattr(os, "sched_setaffinity")
_CORES = sorted(os.sched_getaffinity(0)) if _CAN_PIN else []

# Where there is only one core, or the system pins nothing, everything runs everywhere, and the report says so.
ARE_APART = len(_CORES) > 1
_SERVER, _REST = (_CORES[:1], _CORES[1:2]) if ARE_APART else (_CORES, _CORES)


def stay_off_the_server_core() -> None:
    """For this process and all that it starts from now on: the databases, and the load."""
    if _CAN_PIN:
        os.sched_setaffinity(0, _REST)


@contextmanager
def on_the_server_core() -> Iterator[None]:
    """What is started within runs there for good; this thread itself only meanwhile."""
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
    """What is started within is nobody's neighbour in particular."""
    if not _CAN_PIN:
        yield
        return
    os.sched_setaffinity(0, _CORES)
    try:
        yield
    finally:
        os.sched_setaffinity(0, _REST)


def described() -> str:
    if not ARE_APART:
        return "all on the same cores, since this machine has one or pins nothing"
    return "the server alone on one core; databases and load on another"
