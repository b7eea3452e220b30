"""Invented dialogues, each with what a careful reader takes from it, in plain text.

A dialogue begins with "# " and what it shows. "D:", "N:", "P:" and "F:" are doctor, nurse, patient and family. Then
what
is to be found: "= a:" an allergy, "= m:" a medication (names; dose; status), "= c:" a condition, "= nka", "= nkda".
Names that mean one thing are parted by "/"; "?" after the letter marks what is arguable and never counts.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memories.choices import AllergyAssertion, Category, MedicationStatus
from memories.evaluation.extraction import STATUS_WORDS
from memories.extraction.candidates import Candidate, Utterance
from memories.extraction.local import extract_locally
from memories.extraction.reading import role_of

SPEAKERS = {"D": "Doctor", "N": "Nurse", "P": "Patient", "F": "Guest_family"}
SAID_AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)

Entry = dict[str, Any]


def dialogues_in(name: str) -> list[Entry]:
    """The dialogues of one file, as the scorer of extraction takes them."""
    text = (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8")
    return [_dialogue(name, part.splitlines()) for part in text.split("\n# ") if part.strip()]


def prediction_of(dialogue: Entry) -> Entry:
    """What the local extractor makes of a dialogue, as the scorer takes it."""
    said = [Utterance(one["speaker"], one["text"], role_of(one["speaker"])) for one in dialogue["utterances"]]
    stated = [one for one in extract_locally(said, SAID_AT).candidates if not one.denied]
    asserted = {one.allergy.assertion for one in stated if one.allergy}
    return {
        "allergies": [
            {"substance": one.allergy.substance, "reaction": one.allergy.reaction}
            for one in stated
            if one.allergy and one.allergy.assertion == AllergyAssertion.SUBSTANCE
        ],
        "medications": [
            {
                "name": one.medication.drug,
                "dose": one.medication.dose,
                "status": STATUS_WORDS[MedicationStatus(one.medication.status)],
            }
            for one in _told_once(stated)
            if one.medication
        ],
        "conditions": [
            {"name": one.metadata.get("said_as", one.about)}
            for one in stated
            if one.category == Category.MEDICAL_HISTORY
        ],
        "no_known_allergies": AllergyAssertion.NONE_KNOWN in asserted,
        "no_known_drug_allergies": AllergyAssertion.NO_DRUG_KNOWN in asserted,
    }


def _told_once(stated: list[Candidate]) -> Iterator[Candidate]:
    """Without a medication that is told with its dose elsewhere, as consolidation keeps them."""
    dosed = {(one.about, one.medication.status) for one in stated if one.medication and one.medication.dose}
    for one in stated:
        if one.medication and (one.medication.dose or (one.about, one.medication.status) not in dosed):
            yield one


def _dialogue(name: str, lines: list[str]) -> Entry:
    told = [line for line in lines[1:] if line[:1] in SPEAKERS]
    found = [line[2:].strip() for line in lines[1:] if line.startswith("=")]
    return {
        "id": f"{name}: {lines[0].removeprefix('# ')}",
        "source": name,
        "utterances": [{"speaker": SPEAKERS[line[0]], "text": line[3:]} for line in told],
        "gold": {
            "allergies": [_named("substance", entry, optional) for entry, optional in _of(found, "a")],
            "medications": [_medication(entry, optional) for entry, optional in _of(found, "m")],
            "conditions": [_named("name", entry, optional) for entry, optional in _of(found, "c") if entry != "none"],
            "no_known_allergies": "nka" in found,
            "no_known_drug_allergies": "nkda" in found,
        },
    }


def _of(found: list[str], letter: str) -> Iterator[tuple[str, bool]]:
    for line in found:
        kind, _, entry = line.partition(": ")
        if kind.rstrip("?") == letter:
            yield entry, kind.endswith("?")


def _named(key: str, names: str, optional: bool) -> Entry:
    name, *aliases = names.split("/")
    return {key: name, "aliases": aliases, "optional": optional}


def _medication(entry: str, optional: bool) -> Entry:
    names, *details = entry.split("; ")
    dose = next((part for part in details if part[:1].isdigit()), "")
    status = next((part for part in details if not part[:1].isdigit()), "unspecified")
    return {**_named("name", names, optional), "dose": dose, "status": status}
