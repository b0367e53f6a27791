"""A bounded queue that serves its flows in turns: a flow with many waiters delays no other flow by more than one turn."""

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

Path = tuple[str, ...]


@dataclass(eq=False, slots=True)
class Waiter:
    """`path` names its flows from the outermost to the innermost. A waiter that is not `bounded` is never removed for others."""

    path: Path
    bounded: bool = True
    admitted: bool = False
    resolved: threading.Event = field(default_factory=threading.Event)


class FairQueue:
    """A tree of round-robins (RFC 970, RFC 8290 without quanta: each turn costs about the same).

    A flow that has had its turn goes to the end of its ring, and a new flow starts there. So each flow on a level has at most
    one turn between the arrival of a waiter and the turn of its own flow.
    """

    def __init__(self) -> None:
        self.bounded = 0  # waiters that count towards the bound of the queue
        self._flows: OrderedDict[str, FairQueue] = OrderedDict()
        self._waiters: deque[Waiter] = deque()  # of an innermost flow, in order of arrival

    def push(self, waiter: Waiter, depth: int = 0) -> None:
        """`depth` is how far into the waiter's path this flow is."""
        self.bounded += waiter.bounded
        if depth == len(waiter.path):
            self._waiters.append(waiter)
        else:
            self._flows.setdefault(waiter.path[depth], FairQueue()).push(waiter, depth + 1)

    def pop(self) -> Waiter | None:
        """Remove and return the waiter whose turn it is."""
        if self._waiters:
            waiter: Waiter | None = self._waiters.popleft()
        elif self._flows:
            name = next(iter(self._flows))
            waiter = self._flows[name].pop()
            self._keep_if_used(name)
        else:
            return None
        self.bounded -= bool(waiter and waiter.bounded)
        return waiter

    def remove(self, waiter: Waiter, depth: int = 0) -> None:
        """Remove a waiter that is in the queue."""
        if depth == len(waiter.path):
            self._waiters.remove(waiter)
        else:
            flow = self._flows[waiter.path[depth]]
            flow.remove(waiter, depth + 1)
            if not len(flow):
                del self._flows[waiter.path[depth]]
        self.bounded -= waiter.bounded

    def newest_of_largest_flow(self, path: Path) -> Waiter | None:
        """Return the waiter that a newcomer with this path displaces; None if the newcomer's own flow is as large as any.

        Follows the largest flow from the outermost level inwards, the newcomer counted in its own.
        """
        if self._waiters:
            return None  # the newcomer is the newest of this flow
        if not self._flows:
            return None
        sizes = {name: flow.bounded for name, flow in self._flows.items()}
        sizes[path[0]] = sizes.get(path[0], 0) + 1
        largest = max(sizes.values())
        if sizes[path[0]] == largest:
            own = self._flows.get(path[0])
            return own.newest_of_largest_flow(path[1:]) if own else None
        return self._flows[next(name for name, size in sizes.items() if size == largest)].newest()

    def __len__(self) -> int:
        return len(self._waiters) + sum(map(len, self._flows.values()))

    def newest(self) -> Waiter | None:
        """Return the last bounded waiter of the largest flow of each level."""
        if self._flows:
            return max(self._flows.values(), key=lambda flow: flow.bounded).newest()
        return next((waiter for waiter in reversed(self._waiters) if waiter.bounded), None)

    def _keep_if_used(self, name: str) -> None:
        if len(self._flows[name]):
            self._flows.move_to_end(name)
        else:
            del self._flows[name]
