"""How often what answers a question stands in the context block that a language model would be given."""

from collections.abc import Iterable, Iterator
from statistics import mean
from typing import Any

from audit.actors import acting_as, system_actor
from memories.context import build_context
from memories.evaluation.retrieval import EVALUATION, remember_record
from patients.models import Patient

TOKEN_BUDGET = 1_000
LEFT_OUT = {"adversarial"}


def evaluate_context(
    records: Iterable[dict[str, Any]], *, token_budget: int = TOKEN_BUDGET
) -> Iterator[dict[str, Any]]:
    """Build a context for every query of every record: `{"query_id", "in_context": [memory ids], "tokens"}`.

    Records as `evaluate_retrieval` takes them; the ids are those of the memories told in the context, in its order.
    """
    for record in records:
        with acting_as(EVALUATION):
            patient = Patient.objects.create(external_id=f"evaluated-context-{record['id']}")
        actor = system_actor("evaluation", patient_id=patient.pk)
        with acting_as(actor):
            ids = remember_record(record, patient)
        for query in record["queries"]:
            with acting_as(actor):
                context = build_context(patient, query=query["question"], token_budget=token_budget)
            told = [ids[key] for key in context.memory_ids.values()]
            yield {"query_id": query["id"], "in_context": told, "tokens": context.tokens}


def context_scores(
    records: Iterable[dict[str, Any]], answers: Iterable[dict[str, Any]]
) -> tuple[dict[str, float], list[str]]:
    """How much of the evidence of the questions stands in their contexts, and the questions of which none does.

    Shares of questions with `all` of their evidence and with `any` of it, the mean share of evidence a question, and
    what the contexts cost. Adversarial questions, and those without evidence, do not count.
    """
    told = {answer["query_id"]: answer for answer in answers}
    asked = [
        query
        for record in records
        for query in record["queries"]
        if query["gold"] and query.get("category") not in LEFT_OUT
    ]
    shares = [
        len(set(query["gold"]) & set(told[query["id"]]["in_context"])) / len(set(query["gold"])) for query in asked
    ]
    tokens = [told[query["id"]]["tokens"] for query in asked]
    scores = {
        "questions": len(asked),
        "all evidence in context": sum(share == 1 for share in shares) / len(asked),
        "any evidence in context": sum(share > 0 for share in shares) / len(asked),
        "share of evidence in context": mean(shares),
        "memories a context": mean(len(told[query["id"]]["in_context"]) for query in asked),
        "tokens a context": mean(tokens),
        "most tokens": max(tokens),
    }
    missed = [f"{query['id']} | {query['question']}" for query, share in zip(asked, shares, strict=True) if not share]
    return scores, missed
