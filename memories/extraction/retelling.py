"""What somebody said, told of the patient: "I take my tea black" becomes "They take their tea black." """

import re

_PRONOUNS = {
    "i": "they", "me": "them", "my": "their", "mine": "theirs", "myself": "themselves", "am": "are",
    "i'm": "they're", "i've": "they've", "i'll": "they'll", "i'd": "they'd",
}  # fmt: skip
_ADDRESSES = {
    "you": "they", "your": "their", "yours": "theirs", "you're": "they're", "you've": "they've", "you'll": "they'll",
}  # fmt: skip
_CAREGIVERS = {
    "i": "the caregiver", "me": "the caregiver", "my": "the caregiver's", "mine": "the caregiver's",
    "i'm": "the caregiver is", "i've": "the caregiver has", "i'll": "the caregiver will", "i'd": "the caregiver would",
}  # fmt: skip
_LEADS_IN = re.compile(
    r"^(?:(?:oh|well|um|uh|so|and|but|okay|ok|yeah|yes|no(?=,)|tell them(?: that)?|please(?= tell))\b[,\s]*)+",
    re.IGNORECASE,
)
_DOING = re.compile(
    r"\bI (keep|put|give|take|help|make|use|have|do|go|see|bring|cook|drive|call|come|stay|visit|need)\b"
)
_WAS = re.compile(r"\bthey was\b", re.IGNORECASE)
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


def retold(text: str, to_patient: bool = False, by_caregiver: bool = False) -> str:
    """A text in the third person, capital first, one full stop last, without what only leads in.

    `to_patient`: "you" is the patient too. `by_caregiver`: "I" is not the patient but the caregiver.
    """
    first = _CAREGIVERS if by_caregiver else _PRONOUNS
    known = first | _ADDRESSES if to_patient else first
    bare = _LEADS_IN.sub("", text) or text
    if by_caregiver:
        bare = _DOING.sub(lambda match: f"I {third_person(match.group(1))}", bare)
    told = _WORD.sub(lambda match: known.get(match.group().lower().replace("\u2019", "'"), match.group()), bare)
    return sentence_of(_WAS.sub("they were", told))


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
