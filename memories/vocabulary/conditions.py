"""Conditions: normal clinical names, what lay people call them, and how unlisted ones are built."""

from collections.abc import Sequence
from functools import cache

from memories.vocabulary.lexicon import Found, Lexicon, rows, spoken_forms
from memories.vocabulary.words import Word, word_set

#: What makes the words before it a disease. Weak heads need a part of the body before them.
_HEADS = word_set(
    "disease disorder syndrome cancer carcinoma tumor tumour lymphoma leukemia sarcoma failure stenosis "
    "infection fracture deficiency insufficiency palsy dystrophy dysfunction hernia ulcer aneurysm "
    "embolism thrombosis abscess neuropathy addiction injury sprain strain tear regurgitation effusion hemorrhage "
    "haemorrhage edema nodule prolapse defect neuralgia rupture"
)
_WEAK_HEADS = word_set("problem issue trouble condition attack complaint")
_ENDINGS = (
    "itis",
    "osis",
    "emia",
    "aemia",
    "pathy",
    "oma",
    "plegia",
    "sclerosis",
    "trophy",
    "penia",
    "iasis",
)
#: Words with such an ending that are no disease.
_NOT_DISEASES = word_set(
    "diagnosis prognosis hypnosis osmosis metamorphosis aroma diploma roma oklahoma sympathy empathy "
    "telepathy homeopathy naturopathy osteopathy symbiosis synopsis academia bohemia genesis trophy "
    "stroma chroma hematoma coma emphasis oasis anastomosis"
)
_BODY = word_set(
    "heart lung kidney liver thyroid back knee hip shoulder neck stomach bowel bladder prostate sinus "
    "skin eye ear nerve muscle joint spine blood brain breast colon gallbladder lymph bone vision "
    "hearing mental mood memory breathing balance circulation digestive intestinal cardiac renal "
    "pulmonary hepatic urinary gastrointestinal psychiatric neurological autoimmune cardiovascular "
    "respiratory uterine ovarian cervical pancreatic esophageal gastric testicular thyroidal foot hand "
    "ankle wrist elbow disc disk pelvic vascular valve weight rotator cuff meniscus meniscal achilles hamstring calf "
    "groin "
    "biceps ligament tendon finger toe rib leg arm tibial femoral radial ulnar sciatic optic retinal corneal vocal "
    "cord "
    "adrenal pituitary parathyroid bile duct rectal anal vaginal penile scrotal scalp lip tongue jaw facial"
)
_QUALITIES = word_set(
    "chronic acute severe mild moderate congenital recurrent frequent left right bilateral upper lower "
    "advanced metastatic stage end early late juvenile viral bacterial fungal yeast exercise induced "
    "deep vein major minor small serous papillary squamous cell basal disseminated generalized seasonal "
    "allergic rheumatoid degenerative essential secondary primary diabetic alcoholic ischemic "
    "congestive obstructive aortic mitral tricuspid coronary femoral lumbar thoracic stress compression "
    "hairline seizure panic personality eating sleep anxiety bleeding clotting autistic inflammatory "
    "chest throat tooth dental gum wound staph strep bad serious"
)
_ADJECTIVE_ENDINGS = ("ic", "al", "ary", "ous", "ar", "oid", "ive")
#: What may stand before a disease and says nothing of it.
_NOT_QUALITIES = word_set(
    "any medical several real typical critical special normal general physical previous serious various "
    "similar additional total actual usual possible potential initial topic public final personal "
    "particular regular familial clinical hospital local basic specific official individual natural "
    "positive negative"
)
_BREAKING = word_set("broke broken fractured shattered")
_WHOSE = word_set("my his her the a left right both upper lower")
_BONES = word_set(
    "arm leg wrist ankle hip rib ribs collarbone clavicle nose foot toe finger hand back neck pelvis jaw "
    "shoulder elbow kneecap thumb tailbone skull vertebra femur tibia fibula humerus shin"
)
_WHEN_SPELT = {
    "ms": "multiple sclerosis",
    "add": "ADHD",
    "ed": "erectile dysfunction",
    "pad": "peripheral vascular disease",
}
_SPREAD = 4


def find_conditions(words: Sequence[Word]) -> list[Found[str]]:
    """The conditions named in a text, under their normal clinical names; unlisted ones under the words heard."""
    found: list[Found[str]] = []
    at = 0
    while at < len(words):
        here = _listed(words, at) or _broken(words, at) or _built(words, at)
        if here and not _is_a_surname(words[here.first : here.last]):
            found.append(here)
        at = here.last if here else at + 1
    return found


def is_listed(name: str) -> bool:
    """Whether a condition stands in a list, rather than being built of the words heard."""
    return listed_conditions().exactly(name) is not None


@cache
def listed_conditions() -> Lexicon[str]:
    """Clinical and lay names -> clinical name."""
    own = [(said, row["name"]) for row in rows("conditions.tsv") for said in spoken_forms(row)]
    known = {said for said, _ in own}
    more = ((row["name"], row["name"]) for row in rows("conditions_icd10cm.tsv.gz") if row["name"] not in known)
    return Lexicon([*own, *more])


def _is_a_surname(words: Sequence[Word]) -> bool:
    """ "Mrs. Parkinson" has a name; Parkinson's is a disease."""
    return len(words) == 1 and words[0].key in _eponyms() and words[0].norm == words[0].key


@cache
def _eponyms() -> frozenset[str]:
    said = (said for row in rows("conditions.tsv") for said in spoken_forms(row))
    return frozenset(one.removesuffix("'s") for one in said if one.endswith("'s") and " " not in one)


def _listed(words: Sequence[Word], at: int) -> Found[str] | None:
    return _spelt(words, at) or _named_closer(words, at) or listed_conditions().at(words, at)


def _spelt(words: Sequence[Word], at: int) -> Found[str] | None:
    """An abbreviation that is a word when it is not spelt letter by letter: "M S" is no title."""
    meant = _WHEN_SPELT.get(words[at].key) if words[at].is_spelt else None
    return Found(meant, at, at + 1) if meant else None


def _named_closer(words: Sequence[Word], at: int) -> Found[str] | None:
    """A listed but general name ("cancer") that the words before it make a special one."""
    return _built(words, at) if words[at].key in _HEADS and _modifiers(words, at) else None


def _broken(words: Sequence[Word], at: int) -> Found[str] | None:
    """A broken bone: "broke her left wrist", "a fractured collarbone"."""
    if words[at].key not in _BREAKING:
        return None
    bone = next((end for end in range(at + 1, min(at + _SPREAD, len(words))) if words[end].key not in _WHOSE), at)
    if bone == at or bone == len(words) or words[bone].key not in _BONES:
        return None
    return Found(f"{words[bone].key} fracture", at, bone + 1)


def _built(words: Sequence[Word], at: int) -> Found[str] | None:
    """A disease name that no list holds, from its last word: "papillary serous carcinoma", "kidney problems"."""
    head = words[at].key.removesuffix("s") if not words[at].key.endswith(("ss", "is", "us")) else words[at].key
    modifiers = _modifiers(words, at)
    if not _is_head(words[at].key, head, [word.key for word in words[at - modifiers : at]]):
        return None
    return Found(_name(words[at - modifiers : at + 1]), at - modifiers, at + 1)


def _is_head(key: str, singular: str, before: list[str]) -> bool:
    if singular in _WEAK_HEADS:
        return any(part in _BODY for part in before)
    if singular in _HEADS:
        return singular in ("cancer", "leukemia", "lymphoma") or bool(before)
    return len(key) > 6 and key.endswith(_ENDINGS) and key not in _NOT_DISEASES


def _modifiers(words: Sequence[Word], at: int) -> int:
    """How many words before `at` qualify it."""
    count = 0
    while count < _SPREAD and at - count > 0 and _qualifies(words[at - count - 1]):
        count += 1
    return count


def _qualifies(word: Word) -> bool:
    key = word.key
    if key in _NOT_QUALITIES:
        return False
    return word.is_spelt or key in _BODY or key in _QUALITIES or (len(key) > 5 and key.endswith(_ADJECTIVE_ENDINGS))


def _name(words: Sequence[Word]) -> str:
    return " ".join(word.norm for word in words)
