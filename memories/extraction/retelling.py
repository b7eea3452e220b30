"""What somebody said, told of the patient: "I take my tea black" becomes "They take their tea black." """

import re

_PRONOUNS = {
    "i": "they", "me": "them", "my": "their", "mine": "theirs", "myself": "themselves", "am": "are",
    "i'm": "they're", "i've": "they've", "i'll": "they'll", "i'd": "they'd",
}  # fmt: skip
_ADDRESSES = {
    "you": "they", "your": "their", "yours": "theirs", "you're": "they're", "you've": "they've", "you'll": "they'll",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][A-Za-z]+)*")
_IRREGULAR = {
    "have": "has",
    "do": "does",
    "go": "goes",
    "don't": "doesn't",
    "am": "is",
    "i'm": "is",
    "i've": "has",
}


def retold(text: str, to_patient: bool = False) -> str:
    """A text in the third person, capital first, one full stop last. `to_patient`: "you" is the patient too."""
    known = _PRONOUNS | _ADDRESSES if to_patient else _PRONOUNS
    told = _WORD.sub(lambda match: known.get(match.group().lower().replace("\u2019", "'"), match.group()), text)
    return sentence_of(told)


def sentence_of(text: str) -> str:
    """A text as one sentence: capital first, one full stop last."""
    bare = text.strip().rstrip(".!,;: -")
    return f"{bare[:1].upper()}{bare[1:]}."


def third_person(verb: str) -> str:
    """A verb as said of oneself, as said of another: "prefer" -> "prefers"."""
    plain = verb.lower().replace("\u2019", "'")
    if plain in _IRREGULAR:
        return _IRREGULAR[plain]
    return plain if plain.endswith(("s", "ed")) else f"{plain}s"
