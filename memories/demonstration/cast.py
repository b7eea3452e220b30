import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of

FOLDER = Path(__file__).parent / "patients"


@dataclass(frozen=True, slots=True)
class Scene:
    """One conversation of the demonstration, said some days before today."""

    source_id: str
    title: str
    days_ago: int
    at: time
    utterances: Sequence[Utterance]

    @property
    def said_at(self) -> datetime:
        day = timezone.localdate() - timedelta(days=self.days_ago)
        return timezone.make_aware(datetime.combine(day, self.at))


@dataclass(frozen=True, slots=True)
class Part:
    """One patient of the demonstration: `identity` has the fields of `Patient`, `questions` are to be searched."""

    external_id: str
    identity: Mapping[str, str]
    scenes: Sequence[Scene]
    questions: Sequence[str]


def load_cast() -> list[Part]:
    """The patients of the demonstration, in the order in which it tells of them."""
    return [_part(json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]


def _part(told: dict[str, Any]) -> Part:
    return Part(
        external_id=told["external_id"],
        identity={name: told[name] for name in ("given_name", "family_name", "birth_date")},
        scenes=[_scene(scene) for scene in told["conversations"]],
        questions=told["questions"],
    )


def _scene(told: dict[str, Any]) -> Scene:
    return Scene(
        source_id=told["source_id"],
        title=told["title"],
        days_ago=told["days_ago"],
        at=time.fromisoformat(told["at"]),
        utterances=[Utterance(turn["speaker"], turn["text"], role_of(turn["speaker"])) for turn in told["turns"]],
    )
