"""Finding the words that a model says it quotes."""

import re
from collections.abc import Sequence

from memories.extraction.candidates import Quote, Utterance

#: One character for one, so that a place in the folded text is the same place in the text.
_TYPOGRAPHY = str.maketrans(
    "\u2018\u2019\u201a\u201c\u201d\u201e\u2010\u2011\u2013\u2014\u00a0",  # quotes, hyphens, dashes, a space
    "'''\"\"\"---- ",
)


def find_quote(words: str, utterances: Sequence[Utterance], *, near: int) -> Quote | None:
    """The verbatim span of quoted words, in the turn they are said to be from or else in the one closest to it.

    Case, white space and typographic marks may differ; the quote returned is the text as it was said. None if
    no turn holds these words.
    """
    pattern = _pattern(words)
    if not pattern:
        return None
    for turn in sorted(range(len(utterances)), key=lambda turn: abs(turn - near)):
        text = utterances[turn].text
        if match := pattern.search(text.translate(_TYPOGRAPHY)):
            return Quote(turn, match.start(), match.end(), text[match.start() : match.end()])
    return None


def _pattern(words: str) -> re.Pattern[str] | None:
    """Whole words only: a quoted "no" is not found in "know"."""
    parts = words.translate(_TYPOGRAPHY).strip(" \"'…").removesuffix("...").split()
    if not any(character.isalnum() for part in parts for character in part):
        return None
    return re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, parts)) + r"(?!\w)", re.IGNORECASE)
