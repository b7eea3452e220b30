"""Four invented patients, what is remembered of each, and questions with the memories that answer them.

The files are for people to read and to add to. A line is a memory (its id, which begins with the letter of its
category, and its sentence) or a question ("? What may he take? = M1 M2"). The questions were written, with their
answers, before any of them was asked; nothing here is taken from elsewhere, and nobody in it lives.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memories.choices import Category

CATEGORIES = {
    "A": Category.ALLERGY,
    "M": Category.MEDICATION,
    "H": Category.MEDICAL_HISTORY,
    "P": Category.PREFERENCE,
    "O": Category.OBSERVATION,
    "T": Category.APPOINTMENT,
    "S": Category.PREFERENCE,
}


def records() -> Iterator[dict[str, Any]]:
    """The patients as `memories.evaluation` takes them."""
    for path in sorted(Path(__file__).parent.glob("*.txt")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
        said = [line.split(" ", 1) for line in lines if not line.startswith("?")]
        asked = [line.removeprefix("? ").rsplit(" = ", 1) for line in lines if line.startswith("?")]
        yield {
            "id": path.stem,
            "memories": [{"id": key, "text": text, "category": CATEGORIES[key[0]]} for key, text in said],
            "queries": [
                {"id": f"{path.stem}-{number}", "question": question, "gold": gold.split()}
                for number, (question, gold) in enumerate(asked, start=1)
            ],
        }
