"""Fills a database with what people.py, sessions.py and events.py make up, batch by batch, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice

from django.db import transaction

from accounts.models import AuditEvent, User
from accounts.seeding import bulk
from accounts.seeding.events import events_of
from accounts.seeding.seeded_random import Chance
from accounts.seeding.sessions import SessionMaker
from accounts.seeding.users import Plan, person
from sessions_tracking.models import Session

_ROWS = 5_000  # of users and sessions, in memory at once
_MOST_WITH_EVENTS = 20_000

Report = Callable[[str, int], None]


class Cast:
    """Three generators, so that more sessions do not make other people."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._people, self._events = Chance(f"{plan.seed} people"), Chance(f"{plan.seed} events")
        self._maker = SessionMaker(Chance(f"{plan.seed} sessions"), at=plan.at)
        self._stride = max(1, plan.users * plan.sessions // _MOST_WITH_EVENTS)

    def people(self) -> Iterator[User]:
        return (person(self.plan, self._people, index) for index in range(self.plan.users))

    def sessions_of(self, user: User) -> list[Session]:
        found = [self._maker.session_of(user) for _ in range(self.plan.sessions)]
        user.last_login = max((session.created_at for session in found), default=None)
        return found

    def events_of(self, pairs: Iterable[tuple[int, Session, User]]) -> list[AuditEvent]:
        """Of each session whose number it is; they are too many for all."""
        kept = (pair for pair in pairs if pair[0] % self._stride == 0)
        return [event for _number, session, user in kept for event in events_of(session, user, self._events)]


def is_here(plan: Plan) -> bool:
    """Whether somebody of that seed is in the database already."""
    someone = next(Cast(plan).people(), None)
    return someone is not None and User.objects.filter(username_key=someone.username_key).exists()


def fill(plan: Plan, *, report: Report) -> None:
    """A transaction a batch: the database stays in use meanwhile, and what is there when it is stopped is whole.

    Raises IntegrityError where somebody real has a name or an address of these.
    """
    cast, numbers = Cast(plan), count()
    people = cast.people()
    while batch := list(islice(people, max(1, _ROWS // (1 + plan.sessions)))):
        pairs = [(next(numbers), session, user) for user in batch for session in cast.sessions_of(user)]
        with transaction.atomic():
            bulk.insert(User, batch)
            bulk.insert(Session, [session for _number, session, _user in pairs])
            bulk.insert(AuditEvent, cast.events_of(pairs))
        report("users", len(batch))
    bulk.analyze(User, Session, AuditEvent)
