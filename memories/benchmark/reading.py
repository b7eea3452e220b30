"""How long the local extractor takes for one turn of a talk, on one core."""

import time
from datetime import UTC, datetime

from memories.benchmark.measuring import Times
from memories.demonstration.cast import load_cast
from memories.extraction.local import extract_locally

SAID_AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def reading_times(*, rounds: int) -> Times:
    """Milliseconds of processor time a turn: one figure for each conversation of the demonstration and round."""
    talks = [scene.utterances for part in load_cast() for scene in part.scenes]
    for talk in talks:
        extract_locally(talk, SAID_AT)
    times = Times()
    for _ in range(rounds):
        for talk in talks:
            started = time.thread_time()
            extract_locally(talk, SAID_AT)
            times.taken.append(1000 * (time.thread_time() - started) / len(talk))
    return times
