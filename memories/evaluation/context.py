"""How often what answers a question stands in the context block that a language model would be given."""

from collections.abc import Iterable, Iterator
from typing import Any

from audit.actors import acting_as, system_actor
from memories.context import build_context
from memories.evaluation.retrieval import EVALUATION, remember_record
from patients.models import Patient

TOKEN_BUDGET = 1_000


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
    records: Iterable[dict[str, Any]],
    answers: Iterable[dict[str, Any]],
    *,
    leaving_out: Iterable[str] = ("adversarial",),
) -> dict[str, float]:
    """Shares of the questions whose evidence stands in their context: `all` of it, or `any`; and what the contexts cost.

    Questions without evidence, and those of the categories left out, do not count.
    """
    told = {answer["query_id"]: answer for answer in answers}
    skipped = set(leaving_out)
    asked = [
        (set(query["gold"]), told[query["id"]])
        for record in records
        for query in record["queries"]
        if query["gold"] and query.get("category") not in skipped
    ]
    return {
        "questions": len(asked),
        "all": sum(gold <= set(answer["in_context"]) for gold, answer in asked) / len(asked),
        "any": sum(bool(gold & set(answer["in_context"])) for gold, answer in asked) / len(asked),
        "memories": sum(len(answer["in_context"]) for _, answer in asked) / len(asked),
        "tokens": sum(answer["tokens"] for _, answer in asked) / len(asked),
        "most_tokens": max(answer["tokens"] for _, answer in asked),
    }
