"""Fills a database with generated users, sessions and events, batch by batch, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice

from django.db import transaction

from accounts.models import AuditEvent, User
from accounts.seeding import bulk
from accounts.seeding.events import session_events
from accounts.seeding.seeded_random import SeededRandom
from accounts.seeding.sessions import SessionFactory
from accounts.seeding.users import Plan, build_user
from sessions_tracking.models import Session

_ROWS = 5_000  # users and sessions in memory at a time
_MAX_WITH_EVENTS = 20_000  # sessions

Report = Callable[[str, int], None]


class Generator:
    """Uses one random generator for each kind of row, so that the number of sessions does not change the users."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._users, self._events = SeededRandom(f"{plan.seed} users"), SeededRandom(f"{plan.seed} events")
        self._session_factory = SessionFactory(SeededRandom(f"{plan.seed} sessions"), at=plan.at)
        self._stride = max(1, plan.users * plan.sessions // _MAX_WITH_EVENTS)

    def users(self) -> Iterator[User]:
        return (build_user(self.plan, self._users, index) for index in range(self.plan.users))

    def sessions(self, user: User) -> list[Session]:
        sessions = [self._session_factory.build(user) for _ in range(self.plan.sessions)]
        user.last_login = max((session.created_at for session in sessions), default=None)
        return sessions

    def events(self, numbered: Iterable[tuple[int, Session, User]]) -> list[AuditEvent]:
        """Return the events of some of the numbered sessions, at most about _MAX_WITH_EVENTS of all."""
        selected = (entry for entry in numbered if entry[0] % self._stride == 0)
        return [event for _number, session, user in selected for event in session_events(session, user, self._events)]


def already_seeded(plan: Plan) -> bool:
    """Return whether the database has the first user of this seed."""
    user = next(Generator(plan).users(), None)
    return user is not None and User.objects.filter(username_key=user.username_key).exists()


def fill(plan: Plan, *, report: Report) -> None:
    """Write each batch in a transaction: the database stays usable meanwhile, and an interruption leaves whole users.

    Raises IntegrityError if a real user has the username or email of a generated one.
    """
    generator, numbers = Generator(plan), count()
    users = generator.users()
    while batch := list(islice(users, max(1, _ROWS // (1 + plan.sessions)))):
        numbered = [(next(numbers), session, user) for user in batch for session in generator.sessions(user)]
        with transaction.atomic():
            bulk.insert(User, batch)
            bulk.insert(Session, [session for _number, session, _user in numbered])
            bulk.insert(AuditEvent, generator.events(numbered))
        report("users", len(batch))
    bulk.analyze(User, Session, AuditEvent)
