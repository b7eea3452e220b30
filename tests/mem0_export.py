"""Writes a large export as mem0 2.2.1's table has it, of invented people: `python -m tests.mem0_export 100000 out.csv`.

One row in ten repeats an earlier one word by word, as stores of mem0 do; one in thirty-three has no patient, one in
fifty has expired; a fifth speak of allergies and medications.
"""

import argparse
import csv
import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from memories.vocabulary.words import word_list

DRUGS = word_list(
    "metformin lisinopril warfarin furosemide atorvastatin sertraline omeprazole levothyroxine gabapentin insulin"
)
ALLERGENS = word_list("penicillin latex sulfa codeine shellfish peanuts aspirin ibuprofen iodine eggs")
PEOPLE = word_list("daughter son niece neighbor sister brother grandson cousin friend nephew")
NAMES = word_list("Ruth Amal Pieter Ines Tomas Greta Olu Hanne Sven Carla Mira Jonas")
LIKES = word_list("tea coffee jazz crosswords gardening soup baseball radio bingo chess knitting opera")
HOURS = ("before nine", "in the morning", "at noon", "in the afternoon", "in the evening", "after ten")
SIGNS = ("swollen ankles", "a dry cough", "poor sleep", "a sore hip", "blurred vision", "cold feet", "itchy skin")
VECTOR = "[" + ",".join(f"{(n * 37 % 100 - 50) / 1000}" for n in range(384)) + "]"
START = datetime(2025, 1, 6, 9, tzinfo=UTC)


def rows(number: int, patients: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    told: list[tuple[str, str, str]] = []
    for at in range(number):
        if told and chance.random() < 0.1:
            user, category, text = chance.choice(told[-5000:])
        else:
            user = f"client-{chance.randrange(patients):05d}"
            category, text = sentence(chance)
            told.append((user, category, text))
        said_at = (START + timedelta(minutes=5 * at)).isoformat()
        row: dict[str, Any] = {"data": text, "hash": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}
        row |= {"created_at": said_at, "updated_at": said_at, "user_id": user, "run_id": f"{user}:{at // 20000}"}
        row |= {"category": category} if category and chance.random() < 0.5 else {}
        row |= {"expiration_date": "2026-01-01"} if chance.random() < 0.02 else {}
        if chance.random() < 0.03:
            del row["user_id"]
        yield row


def sentence(chance: random.Random) -> tuple[str, str]:
    pick = chance.choice
    name, hour, day = pick(NAMES), pick(HOURS), f"2025-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
    dose = f"{pick((5, 10, 20, 40, 250, 500))} mg"
    kinds = [
        ("medication", f"Takes {pick(DRUGS)} {dose} {hour}."),
        ("allergy", f"Allergic to {pick(ALLERGENS)}: rash in {chance.randrange(1990, 2025)}."),
        *[("preference", f"Likes {pick(LIKES)} with her {pick(PEOPLE)} {name} and {pick(LIKES)} on Sundays.")] * 3,
        *[("observation", f"Reported {pick(SIGNS)} on {day}, {hour}; {pick(PEOPLE)} {name} was there.")] * 3,
        ("", f"Her {pick(PEOPLE)} {name} visits {hour} and brings {pick(LIKES)} records."),
        ("appointment", f"Clinic visit on {day} at {chance.randrange(8, 17)}:30 with Dr. {name} Hale."),
    ]
    return pick(kinds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--patients", type=int, default=500)
    options = parser.parse_args()
    chance = random.Random(20261125)
    with options.file.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "vector", "payload"])
        for row in rows(options.rows, options.patients, chance):
            writer.writerow([UUID(int=chance.getrandbits(128), version=4), VECTOR, json.dumps(row)])


if __name__ == "__main__":
    main()
