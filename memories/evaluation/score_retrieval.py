"""How good a ranking is, against memories that a person marked as the answer to each question.

hit@k    at least one of them among the first k          recall@k  share of them among the first k
mrr@10   1 / rank of the first of them                   ndcg@10   their gain, discounted by rank

"main" leaves out questions that are unanswerable by design ("adversarial"). A question without a prediction scores 0.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log2
from typing import Any

CUTS = (1, 3, 5, 10)
DEPTH = 10
COLUMNS = ("hit@1", "hit@3", "hit@5", "hit@10", "recall@3", "recall@5", "recall@10", "mrr@10", "ndcg@10")

Scores = dict[str, dict[str, float]]


def score_retrieval(records: Iterable[Mapping[str, Any]], ranked: Mapping[str, Sequence[str]]) -> Scores:
    """The mean of each measure, by category of question and for "main".

    `ranked`: question id -> memory ids, best first.
    """
    measured: dict[str, list[dict[str, float]]] = defaultdict(list)
    for query in (query for record in records for query in record["queries"]):
        measures = measure_ranking(ranked.get(query["id"], ()), set(query["gold"]))
        category = query.get("category", "all")
        measured[category].append(measures)
        if category != "adversarial":
            measured["main"].append(measures)
    return {
        category: _means(measured[category]) for category in sorted(measured, key=lambda name: (name != "main", name))
    }


def measure_ranking(ranked: Sequence[str], gold: set[str]) -> dict[str, float]:
    """All measures of one ranking."""
    distinct = list(dict.fromkeys(ranked))
    measures: dict[str, float] = {}
    for cut in CUTS:
        found = len(gold & set(distinct[:cut]))
        measures |= {f"hit@{cut}": float(found > 0), f"recall@{cut}": found / len(gold)}
    ranks = [rank for rank, memory in enumerate(distinct[:DEPTH], 1) if memory in gold]
    best = sum(1 / log2(rank + 1) for rank in range(1, min(DEPTH, len(gold)) + 1))
    gain = sum(1 / log2(rank + 1) for rank in ranks)
    return measures | {"mrr@10": 1 / ranks[0] if ranks else 0.0, "ndcg@10": gain / best}


def as_table(scores: Scores) -> str:
    """The scores for people to read."""
    lines = [f"{'':18s}{'n':>6s}" + "".join(f"{column:>11s}" for column in COLUMNS)]
    for category, means in scores.items():
        figures = "".join(f"{means[column]:11.3f}" for column in COLUMNS)
        lines.append(f"{category:18s}{int(means['n']):6d}{figures}")
    return "\n".join(lines)


def _means(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    means = {column: round(sum(m[column] for m in measured) / len(measured), 4) for column in COLUMNS}
    return means | {"n": len(measured)}
