"""How something is done with a patient, as somebody tells it: "how we transfer her from bed", step by step."""

from collections.abc import Sequence

from memories.choices import Category, Kind, SpeakerRole
from memories.extraction.candidates import Candidate, Quote, Utterance

ABOUT = "care instruction"


def instructions_in(utterances: Sequence[Utterance], title: str) -> list[Candidate]:
    """Each turn, whole: of an instruction that is told in steps, no step may be missing. `title` says what it is about.

    What an agent says is not an instruction.
    """
    return [
        Candidate(
            category=Category.PREFERENCE,
            about=title.strip() or ABOUT,
            content=_titled(utterance.text.strip(), title.strip()),
            quote=Quote(turn, 0, len(utterance.text), utterance.text),
            kind=Kind.PROCEDURAL,
        )
        for turn, utterance in enumerate(utterances)
        if utterance.role != SpeakerRole.AGENT
    ]


def _titled(text: str, title: str) -> str:
    """A text that stands alone: with its title in front, unless it says that itself."""
    return text if not title or title.casefold() in text.casefold() else f"{title}: {text}"
