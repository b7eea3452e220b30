"""Taking times: two ways of doing the same, by turns, so that whatever else the machine does meets both alike."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

import numpy as np

Call = Callable[[], object]


@dataclass(slots=True)
class Times:
    """Milliseconds of the calls of one kind."""

    taken: list[float] = field(default_factory=list)

    def take(self, call: Call) -> None:
        started = time.perf_counter()
        call()
        self.taken.append(1000 * (time.perf_counter() - started))

    @property
    def p50(self) -> float:
        return float(np.percentile(self.taken, 50))

    @property
    def p95(self) -> float:
        return float(np.percentile(self.taken, 95))


def by_turns(ours: Call, floor: Call, *, rounds: int, warm_up: int = 10, seed: int = 5) -> tuple[Times, Times]:
    """Times of `rounds` calls of ours and as many of the floor, one of each a round, in random order."""
    random = Random(seed)  # noqa: S311 because this is no secret
    for call in (ours, floor) * warm_up:
        call()
    measured = Times(), Times()
    for _ in range(rounds):
        pairs = list(zip(measured, (ours, floor), strict=True))
        random.shuffle(pairs)
        for times, call in pairs:
            times.take(call)
    return measured


def at_once(calls: Sequence[Call]) -> None:
    """Make all these calls in threads that start together. Raises what one of them raised."""
    barrier, failures = threading.Barrier(len(calls)), []

    def wait_and(call: Call) -> None:
        barrier.wait()
        try:
            call()
        except Exception as failure:  # noqa: BLE001 because it is raised again where somebody sees it
            failures.append(failure)

    threads = [threading.Thread(target=wait_and, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def calls_a_second(calls: Sequence[Call], *, seconds: float) -> float:
    """How many calls a second as many clients get answered, each repeating its own."""
    answered = [0] * len(calls)

    def repeat(client: int) -> None:
        while time.perf_counter() < deadline:
            calls[client]()
            answered[client] += 1

    started = time.perf_counter()
    deadline = started + seconds
    at_once([partial(repeat, client) for client in range(len(calls))])
    return sum(answered) / (time.perf_counter() - started)
