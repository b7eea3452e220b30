"""What a sentence is about, as far as taking a history goes."""

import re
from enum import Enum

from memories.extraction.reading import Sentence


class Topic(Enum):
    ALLERGY = "allergy"
    MEDICATION = "medication"
    CONDITION = "condition"
    FAMILY = "family"
    SUBSTANCE = "substance"
    SURGERY = "surgery"
    SYMPTOM = "symptom"


FAMILY = (
    "family history", "in your family", "in the family", "your family", "family medical history",
    "family members", "siblings", "runs in",
    "relatives", "anyone else", "anyone in", "does anyone", "has anyone in", "their mother", "her mother",
    "his mother", "her father", "his father", "mother's side", "father's side",
    "mom's side", "dad's side", "grandparents",
)  # fmt: skip
_KIN = (
    "your mother", "your father", "your parents", "your mom", "your dad", "your sister", "your brother",
    "your aunt", "your grandmother",
    "your grandfather", "your children", "your kids", "your husband", "your wife",
)  # fmt: skip
_ALLERGY = (
    "allergies", "allergy", "allergic", "allergens", "anaphylaxis", "anaphylactic", "bad reaction",
    "adverse reaction",
    "reaction to any", "reactions to", "intolerances", "reacted", "intolerant",
)  # fmt: skip
#: Said in a question, these ask for allergies and intolerances without naming them.
_WHAT_IS_NOT_BORNE = (
    "can't take", "cannot take", "can't have", "can't tolerate", "have to avoid", "has to avoid", "should avoid",
    "need to avoid", "stay away from", "don't agree with", "doesn't agree with", "disagree with", "disagrees with",
    "given you trouble", "gives you trouble", "given him trouble", "given her trouble", "react to", "reacts to",
    "react badly", "reacts badly", "reaction to", "don't tolerate", "not supposed to take", "must not be given",
    "shouldn't be given", "shouldn't have", "shouldn't take", "a problem for you", "a problem for him",
    "a problem for her", "bad time with", "trouble with any", "problems with any", "problem with any", "bad experience",
    "react poorly", "upset you", "upsets you", "make you sick", "makes you sick", "made you sick",
    "don't get along with",
    "break out from", "swell up from",
)  # fmt: skip
_BROUGHT_ON = re.compile(
    r"\b(?:rash|rashes|hives|swelling|swell(?:ed)? up|br(?:eak|oke|oken) out|itch\w*|trouble breathing"
    r"|(?:problems?|trouble|issues?|difficulty) with)\b.*"
    r"\b(?:from|to|with|after|on|any)?\b.*\b(?:medicines?|medications?|meds|drugs?|antibiotics?|foods?|vaccines?|anything|an(?:a)?esthe\w+)\b"
)
_STILL_TAKEN = (
    "still taking", "still take", "still takes", "still on", "still using", "still use", "still the", "taking that",
    "taking it", "taking any", "does she take", "does he take", "she taking", "he taking", "you taking",
    "what are you on", "are you on any", "is she on any", "is he on any", "what is she on", "what is he on",
    "do you take", "you take every",
)  # fmt: skip
_AS_A_CONDITION = (
    "for allergies",
    "for your allergies",
    "for my allergies",
    "seasonal allergies",
    "allergies bothering",
    "for her allergies",
    "for his allergies",
)
_SUBSTANCE = (
    "smoke", "smoking", "smoked", "smoker", "alcohol", "drink", "drinking", "recreational drugs",
    "street drugs", "tobacco",
    "cigarettes", "iv drugs", "do drugs", "illicit drugs", "other drugs", "use drugs", "any drugs",
    "illegal drugs",
    "recreational drug", "drug use",
)  # fmt: skip
DRUGS = (
    "medication", "medications", "medicine", "medicines", "meds", "drugs", "drug", "prescription",
    "prescriptions", "pills",
    "pill", "antibiotic", "antibiotics", "tablets",
)  # fmt: skip
_MEDICATION = (
    *DRUGS, "over the counter", "take anything", "taking anything", "taken anything", "do you take", "are you taking",
    "do you use to treat", "supplements", "vitamins", "birth control", "inhaler", "inhalers",
    "given anything", "give him anything", "give her anything",
)  # fmt: skip
_SURGERY = ("surgery", "surgeries", "operation", "operations", "surgical", "hospitalized", "hospitalizations")
_CONDITION = (
    "medical history", "your history", "his history", "her history",
     "conditions", "condition", "medical problems", "health problems", "problems",
    "diagnosed",
    "illness", "illnesses", "disease", "diseases", "disorders", "medical issues", "history of",
    "past medical", "health issues",
    "health conditions", "medical condition", "issues",
)  # fmt: skip
_SYMPTOM = (
    "pain", "fever", "fevers", "cough", "nausea", "vomiting", "symptoms", "swelling", "headache",
    "headaches", "dizziness",
    "shortness of breath", "bowel", "urine", "feeling", "weight", "sleep",
)  # fmt: skip
#: Kinds of allergies that are none to drugs.
OTHER_KINDS = ("food", "foods", "seasonal", "environmental", "pollen", "pollens", "latex", "insects", "animals", "pets")
_WIDER = (
    "food",
    "foods",
    "pollen",
    "environmental",
    "environment",
    "anything",
    "latex",
    "in general",
    "otherwise",
    "of any kind",
)
_POINTERS = (
    "it",
    "that",
    "them",
    "those",
    "else",
    "other",
    "others",
    "one",
    "ones",
    "its",
    "their",
    "these",
    "this",
    "nothing",
)
_LOOKING_BACK = (
    "sure",
    "certain",
    "you mean",
    "what happens",
    "what happened",
    "how much",
    "how often",
    "how long",
    "what kind",
    "which",
    "do you know",
    "do you remember",
    "what dose",
    "how many",
)
_SHORT = 5


_ASKING = ("do", "does", "did", "have", "has", "are", "is", "can", "were")
_ASKED = (["you"], ["he"], ["she"], ["they"])
_AND_YOU = (" and you ", " what about you ", " how about you ", " you yourself ", " and yourself ", " you personally ")


def topic_of(sentence: Sentence, kin_counts: bool = True) -> Topic | None:
    """The topic a sentence names itself, or None. `kin_counts`: "your mother" makes it the family's."""
    says = sentence.says
    if sentence.asks and sentence.plain.endswith(_AND_YOU):
        return Topic.CONDITION
    if says(*FAMILY) or (kin_counts and says(*_KIN)):
        return Topic.FAMILY
    if says(*_ALLERGY) and not says(*_AS_A_CONDITION):
        return Topic.ALLERGY
    if asks_what_is_not_borne(sentence):
        return Topic.ALLERGY
    if sentence.asks and says(*_STILL_TAKEN):
        return Topic.MEDICATION
    if says(*_SUBSTANCE) and not says("allergic"):
        return Topic.SUBSTANCE
    if says(*_MEDICATION):
        return Topic.MEDICATION
    if says(*_SURGERY):
        return Topic.SURGERY
    return Topic.CONDITION if says(*_CONDITION) else Topic.SYMPTOM if sentence.asks and says(*_SYMPTOM) else None


def asks_what_is_not_borne(sentence: Sentence) -> bool:
    """Whether a question asks for allergies without the word: "Anything you can't take?" """
    return sentence.asks and (sentence.says(*_WHAT_IS_NOT_BORNE) or bool(_BROUGHT_ON.search(sentence.plain)))


def drugs_only(sentence: Sentence) -> bool:
    """Whether a sentence about allergies speaks of drugs and nothing wider."""
    return sentence.says(*DRUGS) and not sentence.says(*_WIDER)


def stands_alone(sentence: Sentence) -> bool:
    """Whether a question is whole: "Do you have pets?" leans on no question about allergies before it."""
    content = [norm for norm in sentence.norms if norm[0].isalnum()]
    whole = content[0] in _ASKING and content[1:2] in _ASKED
    return whole and not sentence.says(*_POINTERS, *_LOOKING_BACK)


def is_follow_up(sentence: Sentence) -> bool:
    """Whether a question leans on the one before: "And how much?", "Penicillin or sulfa?", "Anything else?"."""
    content = [norm for norm in sentence.norms if norm[0].isalnum()]
    return len(content) <= _SHORT or sentence.says(*_POINTERS, *_LOOKING_BACK)
