"""How good an extraction is, against what a person found in the same dialogues.

Names are compared as `memories.evaluation.names` says; the gold's aliases count. Gold entries marked `optional` are
counted neither way. Gold entries that are negated are facts that must not be predicted as positive: doing so is a
false positive and a "negation error". One prediction earns at most one gold entry, several of the same entry count
once, and one that matches nothing is a false positive. Conditions are scored only where they were annotated, and a
predicted bare symptom that is not in the gold is ignored. Of a dose the first number is compared.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from memories.evaluation.names import Synonyms, is_symptom, normal

Entry = Mapping[str, Any]
#: Kind of entry -> the key of its name.
KINDS = {"allergies": "substance", "medications": "name", "conditions": "name"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(slots=True)
class Tally:
    """The counts of a whole run."""

    synonyms: Synonyms
    entries: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    status: Counter[str] = field(default_factory=Counter)
    dose: Counter[str] = field(default_factory=Counter)
    flag: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    errors: list[tuple[str, str, str, str]] = field(default_factory=list)


def score_extraction(
    gold: Iterable[Entry], predictions: Mapping[str, Entry], synonyms: Synonyms
) -> tuple[dict[str, Any], list[tuple[str, str, str, str]]]:
    """The figures, and each error as (item id, kind, what is wrong, name). `predictions`: item id -> prediction."""
    tally = Tally(synonyms)
    for item in gold:
        _count_item(tally, item, predictions.get(item["id"], {}))
        tally.items["n"] += 1
        tally.items["predicted"] += item["id"] in predictions
    return _figures(tally), tally.errors


def _count_item(tally: Tally, item: Entry, predicted: Entry) -> None:
    wrong, false_positives, has_facts = 0, 0, False
    for kind, key in KINDS.items():
        entries = item["gold"].get(kind)
        if entries is None:
            continue
        missed, false = _count_kind(tally, item, kind, entries, list(_entries(predicted.get(kind), key)))
        wrong += missed + false
        if kind != "conditions":
            false_positives += false
            has_facts |= any(not entry.get("optional") and not _is_negated(entry) for entry in entries)
    tally.items["exact"] += not wrong
    if not has_facts:
        tally.items["negative"] += 1
        tally.items["negative with a false positive"] += false_positives > 0
    _count_flag(tally.flag, item["gold"], predicted)


def _count_kind(
    tally: Tally, item: Entry, kind: str, entries: Sequence[Entry], predicted: Sequence[Entry]
) -> tuple[int, int]:
    """Count one kind of entry of one item. How many were missed, and how many were false."""
    gold = _Gold.of(entries, KINDS[kind], tally.synonyms)
    counts, errors = tally.entries[kind], []
    found: set[int] = set()
    for prediction in predicted:
        name = prediction[gold.key]
        if _is_negated(prediction):
            counts["negated found"] += bool(gold.meant(name, gold.negated))
        elif matches := gold.meant(name, gold.facts):
            free = [place for place in matches if place not in found]
            if free:
                best = min(free, key=lambda place: normal(gold.facts[place][gold.key]) != normal(name))
                found.add(best)
                if kind == "medications":
                    _count_details(tally, gold.facts[best], prediction)
        elif gold.meant(name, gold.arguable):
            continue
        elif kind == "conditions" and is_symptom(name):
            counts["ignored symptom"] += 1
        else:
            counts["negation error"] += bool(gold.meant(name, gold.negated))
            errors.append((item["id"], kind, "FALSE POSITIVE", name))
    false = len(errors)
    errors += [(item["id"], kind, "MISSED", f[gold.key]) for place, f in enumerate(gold.facts) if place not in found]
    for count in (counts, tally.entries[f"{kind}|{item['source']}"]):
        count.update(tp=len(found), fn=len(gold.facts) - len(found), fp=false)
    counts["negated"] += len(gold.negated)
    tally.errors += errors
    return len(gold.facts) - len(found), false


@dataclass(frozen=True, slots=True)
class _Gold:
    """The gold entries of one kind in one item."""

    key: str
    synonyms: Synonyms
    facts: Sequence[Entry]
    arguable: Sequence[Entry]
    negated: Sequence[Entry]

    @classmethod
    def of(cls, entries: Sequence[Entry], key: str, synonyms: Synonyms) -> "_Gold":
        stated = [entry for entry in entries if not _is_negated(entry)]
        return cls(
            key,
            synonyms,
            facts=[entry for entry in stated if not entry.get("optional")],
            arguable=[entry for entry in stated if entry.get("optional")],
            negated=[entry for entry in entries if _is_negated(entry)],
        )

    def meant(self, name: str, among: Sequence[Entry]) -> list[int]:
        """The places of the entries that a predicted name may mean."""
        names = ([entry[self.key], *entry.get("aliases", [])] for entry in among)
        return [place for place, known in enumerate(names) if self.synonyms.same(name, known)]


def _count_details(tally: Tally, fact: Entry, prediction: Entry) -> None:
    """The status and the dose of a medication that was found. A missing status is a wrong one."""
    expected, given = fact.get("status"), prediction.get("status")
    if expected in ("active", "planned", "stopped"):
        tally.status["n"] += 1
        tally.status["ok"] += bool(given) and (expected == "stopped") == (given == "stopped")
        if expected == "stopped":
            tally.status["stopped"] += 1
            tally.status["stopped ok"] += given == "stopped"
    numbers = _NUMBER.findall(fact.get("dose") or "")
    if numbers:
        said = _NUMBER.findall(str(prediction.get("dose") or prediction["name"]))
        tally.dose["n"] += 1
        tally.dose["ok"] += numbers[0] in said and len(said) <= 3


def _count_flag(flag: Counter[str], gold: Entry, predicted: Entry) -> None:
    """No known (drug) allergies: said or not, and which of the two."""
    expected = bool(gold.get("no_known_allergies") or gold.get("no_known_drug_allergies"))
    given = bool(predicted.get("no_known_allergies") or predicted.get("no_known_drug_allergies"))
    flag.update(tp=expected and given, fp=given and not expected, fn=expected and not given)
    if expected and given:
        flag["kind"] += 1
        flag["kind ok"] += bool(gold.get("no_known_allergies")) == bool(predicted.get("no_known_allergies"))


def _entries(predicted: Iterable[Entry | str] | None, key: str) -> Iterator[Entry]:
    """Predictions as mappings with their name under `key`; those without a name are none."""
    for entry in predicted or ():
        named = {key: entry} if isinstance(entry, str) else entry
        name = named.get(key) or named.get("name") or named.get("substance") or named.get("text")
        if name:
            yield {**named, key: name}


def _is_negated(entry: Entry) -> bool:
    return bool(entry.get("negated")) or entry.get("status") == "negated"


def _figures(tally: Tally) -> dict[str, Any]:
    figures: dict[str, Any] = {"items": tally.items["n"], "predicted_items": tally.items["predicted"]}
    for kind, counts in sorted(tally.entries.items()):
        figures[kind] = _precision_recall(counts) | {name: counts[name] for name in ("tp", "fp", "fn")}
        if "|" not in kind:
            figures[kind] |= {
                "negation_errors": counts["negation error"],
                "negated_gold": counts["negated"],
                "negated_predicted_ok": counts["negated found"],
            }
    figures["item_exact"] = round(tally.items["exact"] / max(tally.items["n"], 1), 4)
    negative = tally.items["negative with a false positive"]
    figures["negative_items_with_a_false_positive"] = f"{negative}/{tally.items['negative']}"
    flag = tally.flag
    figures["no_known_allergies_flag"] = _precision_recall(flag) | {
        "n": flag["tp"] + flag["fn"],
        "kind_right": f"{flag['kind ok']}/{flag['kind']}",
    }
    return figures | _detail_figures(tally)


def _detail_figures(tally: Tally) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if (status := tally.status)["n"]:
        figures["medication_status"] = {
            "accuracy": round(status["ok"] / status["n"], 4),
            "n": status["n"],
            "stopped_recall": f"{status['stopped ok']}/{status['stopped']}",
        }
    if (dose := tally.dose)["n"]:
        figures["medication_dose_number"] = {"accuracy": round(dose["ok"] / dose["n"], 4), "n": dose["n"]}
    return figures


def _precision_recall(counts: Counter[str]) -> dict[str, float]:
    found, predicted = counts["tp"], counts["tp"] + counts["fp"]
    precision = found / predicted if predicted else 0.0
    recall = found / (found + counts["fn"]) if found + counts["fn"] else 0.0
    both = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(both, 4)}
