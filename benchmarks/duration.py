"""Estimate the duration of a run from the durations of its parts on an idle machine."""

from collections.abc import Sequence

from benchmarks.contender import Contender, Kind
from benchmarks.measure import Length
from benchmarks.works import WORKS, Work

_PREPARING, _STARTING, _TRIAL, _SIGNING_IN, _COUNTING = 5.0, 2.0, 2.5, 0.4, 2.0
_LOGOUTS = 4.0  # a fixed number, each after a login
_COMPONENTS = 4


def estimate_minutes(contenders: Sequence[Contender], length: Length) -> float:
    once = sum(_once(contender, length) for contender in contenders)
    round_seconds = (
        sum(_load(work, length) for contender in contenders for work in _works(contender))
        + _COMPONENTS * length.seconds / 2
    )
    return (once + length.rounds * round_seconds) / 60


def _once(contender: Contender, length: Length) -> float:
    trials = 2 if contender.login is not None else 1
    tried = len(length.threads) if contender.has_threads and len(length.threads) > 1 else 0
    counted = len(_works(contender)) * _COUNTING if contender.kind is not Kind.LIMIT else 0.0
    prepared = _PREPARING if contender.prepare else 0.0
    return prepared + tried * (_STARTING + trials * _TRIAL) + trials * _STARTING + counted


def _load(work: Work, length: Length) -> float:
    return _LOGOUTS if work.name == "logout" else length.seconds + _SIGNING_IN


def _works(contender: Contender) -> list[Work]:
    return [work for work in WORKS if work.get_request(contender) is not None]
