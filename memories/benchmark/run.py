"""All measures of one run, in a database made for it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count, islice

from django.db import connection

from audit.actors import acting_as
from memories.benchmark.database_share import database_share
from memories.benchmark.over_http import Caller
from memories.benchmark.pages import page_lines
from memories.benchmark.reading import reading_times
from memories.benchmark.recall import recall
from memories.benchmark.report import Line, compared, promised, spread
from memories.benchmark.seeding import SEEDING, Seeded, seed
from memories.benchmark.sentences import distinct_questions
from memories.benchmark.server import serve, stand_in_model
from memories.evaluation.scratch import scratch_database
from patients.models import Patient

#: What is promised. Milliseconds, megabytes, or multiples of the floor's median.
SEARCH_RATIO, SEARCH_P95 = 1.4, 100
SMALL_DATABASE_P50, LARGE_DATABASE_P50 = 3, 15
WRITE_RATIO, WRITE_P95, BACKGROUND_P95 = 2.0, 200, 15
WORKER_MEGABYTES = 400
TURN_P95 = 10
CLIENTS = (1, 4, 16)
THREADS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is seeded and measured. `rounds` of each pair of calls; `seconds` of each throughput."""

    patients: int = 200
    memories: int = 1_000
    large: int = 10_000
    rounds: int = 200
    seconds: float = 3.0


def run(sizes: Sizes, *, tell: Callable[[str], None] = lambda text: None) -> tuple[str, list[Line]]:
    """Seed, measure, and throw the database away. What it ran on, and the lines of the report, in their order.

    `tell` hears what is going on. Raises `AssertionError` when an answer is no success.
    """
    with scratch_database():
        tell(f"Seeding {sizes.patients} patients with {sizes.memories} memories each ...")
        seeded = seed(patients=sizes.patients, memories=sizes.memories, large=sizes.large)
        questions, tellings = distinct_questions(), count()
        lines = []
        tell("Searching and writing over HTTP, without a model ...")
        with serve(EXTRACTOR="local") as port:
            lines += _without_model(Caller(port, seeded, questions, tellings), sizes)
        tell("Writing with a model that answers at once ...")
        with stand_in_model() as url, serve(EXTRACTOR="llm", OPENAI_BASE_URL=url, OPENAI_API_KEY="none") as port:
            lines += _with_model(Caller(port, seeded, questions, tellings), sizes)
        tell("Searching in the database ...")
        lines += _in_database(seeded, questions, sizes)
        lines.append(_reading(sizes))
        return _circumstances(), lines


def run_pages(sizes: Sizes, *, tell: Callable[[str], None] = lambda text: None) -> tuple[str, list[Line]]:
    """As `run`, for the pages of staff alone."""
    with scratch_database():
        tell(f"Seeding {sizes.patients} patients with {sizes.memories} memories each ...")
        seeded = seed(patients=sizes.patients, memories=sizes.memories, large=sizes.large)
        tell("Opening the pages ...")
        lines = list(page_lines(seeded, rounds=sizes.rounds))
        return _circumstances(), lines


def _without_model(caller: Caller, sizes: Sizes) -> list[Line]:
    ours, floor = caller.searches(rounds=sizes.rounds)
    write, plain = caller.writes(rounds=sizes.rounds // 2, ask=False)
    told = caller.background_writes(rounds=sizes.rounds)
    copies = caller.copies(THREADS_AT_ONCE, conversations=5)
    return [
        compared("search over HTTP", ours, floor, at_most=SEARCH_RATIO),
        promised("search over HTTP, p95", ours.p95, below=SEARCH_P95, unit="ms"),
        compared("write of 3 sentences, local extractor", write, plain),
        promised("write of 3 sentences, local extractor, p95", write.p95, below=WRITE_P95, unit="ms"),
        promised("write in the background, p95", told.p95, below=BACKGROUND_P95, unit="ms", ours=spread(told)),
        Line(f"copies of a fact told by {THREADS_AT_ONCE} threads", f"{copies:.2f}", target="1.00", met=copies == 1),
        *[_throughput(caller, clients, sizes) for clients in CLIENTS],
        _resident("web worker, peak memory", caller),
    ]


def _with_model(caller: Caller, sizes: Sizes) -> list[Line]:
    ours, floor = caller.writes(rounds=sizes.rounds // 2, ask=True)
    made = sum(caller.created) / len(caller.created)
    what = f"write of 3 sentences, LLM at 0 ms ({made:.1f} memories)"
    return [
        compared(what, ours, floor, at_most=WRITE_RATIO),
        _resident("web worker with an LLM client, peak memory", caller),
    ]


def _in_database(seeded: Seeded, questions: Iterator[str], sizes: Sizes) -> list[Line]:
    found = recall(seeded.small, seeded.nurse, islice(questions, 100))
    return [
        _share(seeded.small, SMALL_DATABASE_P50, sizes.memories, seeded, questions, sizes),
        _share(seeded.large, LARGE_DATABASE_P50, sizes.large, seeded, questions, sizes),
        Line("recall@3 of the vector leg against numpy", f"{found:.3f}", target="1.000", met=found == 1),
    ]


def _share(
    patient: Patient, below: float, memories: int, seeded: Seeded, questions: Iterator[str], sizes: Sizes
) -> Line:
    ours, floor = database_share(patient, seeded.nurse, questions, rounds=sizes.rounds)
    what = f"search in the database, {memories:,} memories, p50"
    line = promised(what, ours.p50, below=below, unit="ms", ours=spread(ours), floor=spread(floor))
    return replace(line, ratio=f"{ours.p50 / floor.p50:.2f}")


def _reading(sizes: Sizes) -> Line:
    turns = reading_times(rounds=sizes.rounds)
    return promised("local extractor, one turn, p95", turns.p95, below=TURN_P95, unit="ms", ours=spread(turns))


def _throughput(caller: Caller, clients: int, sizes: Sizes) -> Line:
    ours, floor = caller.searches_a_second(clients, seconds=sizes.seconds)
    what = f"searches a second, {clients} client{'s' if clients > 1 else ''}"
    return Line(what, f"{ours:.0f}", f"{floor:.0f}", f"{ours / floor:.2f}")


def _resident(what: str, caller: Caller) -> Line:
    return promised(what, caller.peak_megabytes(), below=WORKER_MEGABYTES, unit="MB")


def _circumstances() -> str:
    """The server, the settings that decide how fast it may be, and whether others kept the machine busy."""
    names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
    with acting_as(SEEDING), connection.cursor() as cursor:
        cursor.execute(f"SELECT current_user, {', '.join(f'current_setting({name!r})' for name in names)}")
        role, *values = cursor.fetchone()
    said = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores in the last minute"
    return f"Postgres as {role}: {said}; {load}"
