"""What a search costs in the database alone, from sending its statement to the answer: no embedding, no HTTP."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from audit.actors import Actor, acting_as
from memories.benchmark.floor import SEARCH
from memories.benchmark.measuring import Times, by_turns
from memories.embedding import embed_query
from memories.indexing import vector_text
from memories.search import search
from patients.models import Patient


def database_share(patient: Patient, actor: Actor, questions: Iterator[str], *, rounds: int) -> tuple[Times, Times]:
    """Milliseconds in the database of the product's searches with this patient, and of the floor's one statement."""
    ours, floor = _Stopwatch(), _Stopwatch()

    def ask_ours() -> None:
        question = next(questions)
        with acting_as(actor), connection.execute_wrapper(ours):
            search(patient=patient, query=question, limit=3)

    def ask_floor() -> None:
        parameters: dict[str, Any] = {"vector": vector_text(embed_query(next(questions))), "patient": patient.pk}
        with acting_as(actor), connection.execute_wrapper(floor), connection.cursor() as cursor:
            cursor.execute(SEARCH, parameters)
            cursor.fetchall()

    by_turns(ask_ours, ask_floor, rounds=rounds)
    return Times(ours.taken[-rounds:]), Times(floor.taken[-rounds:])


class _Stopwatch:
    """Takes the time of each statement. Both searches are one."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.taken.append(1000 * (time.perf_counter() - started))
