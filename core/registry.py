"""A typed registry, by which an app adds to what the apps below it offer: each registers in `AppConfig.ready`."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """An entry of a registry: a frozen dataclass with a unique name."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Generic[Entry]):
    """Entries by name, in the order of their registration.

    Fill it while Django starts and only read it later: reading takes no lock.
    """

    def __init__(self, kind: str) -> None:
        """Take the kind of the entries, such as "email kind", for the messages of errors."""
        self._kind = kind
        self._entries: dict[str, Entry] = {}

    def register(self, *entries: Entry) -> None:
        """Add the entries, or raise ValueError for a name that another entry has.

        An equal entry may be registered again: Django runs `ready` twice where a test loads the apps anew.
        """
        for entry in entries:
            if self._entries.get(entry.name, entry) != entry:
                raise ValueError(f"There are two {self._kind} entries called {entry.name!r}.")
            self._entries[entry.name] = entry

    def get(self, name: str) -> Entry | None:
        return self._entries.get(name)

    def all(self) -> tuple[Entry, ...]:
        return tuple(self._entries.values())

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.all())

    def __contains__(self, name: object) -> bool:
        return name in self._entries
