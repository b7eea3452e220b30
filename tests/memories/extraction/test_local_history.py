"""Conditions in natural talk: lay names, answers, denials, relatives, and diseases that no list holds."""

import pytest

from memories.choices import Category
from tests.memories.extraction.statements import facts

TALKS = {
    "a note": (["-: Patient has type 2 diabetes"], {"type 2 diabetes"}),
    "lay names": (
        ["P: I have high blood pressure and a touch of sugar diabetes."],
        {"hypertension", "diabetes"},
    ),
    "an adjective": (["P: I'm diabetic."], {"diabetes"}),
    "spelt letters": (["P: I get a U T I every winter."], {"urinary tract infection"}),
    "asked and confirmed": (["N: Do you have asthma?", "P: Yes."], {"asthma"}),
    "asked and denied": (["N: Any history of stroke or seizures?", "P: No."], {"not stroke", "not seizures"}),
    "one of several": (
        ["N: Do you have diabetes or heart disease?", "P: Yes, diabetes, but no heart disease."],
        {"diabetes", "not heart disease"},
    ),
    "denial that ends at but": (["P: I don't have diabetes but I have gout."], {"not diabetes", "gout"}),
    "taken for granted": (["N: How long have you had arthritis?", "P: Ten years."], {"arthritis"}),
    "a drug not taken for it denies nothing": (["P: I don't take anything for my asthma."], {"asthma"}),
    "a relative's": (["P: My father had colon cancer and my aunt has lupus."], set()),
    "asked about the family": (["N: Any heart disease in your family?", "P: Yes, and strokes."], set()),
    "runs in the family": (["P: Diabetes runs in my family."], set()),
    "a caregiver tells of his mother": (["C: My mother has Parkinson's."], {"Parkinson's disease"}),
    "built of words no list holds": (
        ["P: They found a papillary serous carcinoma."],
        {"papillary serous carcinoma"},
    ),
    "feared": (["P: I was worried it might be cancer."], set()),
    "only possible": (["N: It could be pneumonia, we should check for anemia."], set()),
    "explained": (["N: Psoriasis is a skin disease."], set()),
    "diagnosed here": (["N: You have bronchitis."], {"bronchitis"}),
    "a vaccine": (["P: I had my pneumonia shot and a hepatitis B vaccine."], set()),
    "lay names of the heart": (
        ["P: I've got A-fib and a leaky valve."],
        {"atrial fibrillation", "valvular heart disease"},
    ),
    "bare words in a list": (
        ["N: Any medical problems?", "P: Sugar, pressure, and a bad ticker."],
        {"diabetes", "hypertension", "heart disease"},
    ),
    "sugar in the coffee": (["N: How do you take it?", "P: Sugar, and milk."], set()),
    "an initial with its stop": (["P: I had C. diff last year."], {"C. difficile infection"}),
    "a broken bone, in May": (
        ["C: He broke his hip in May and he's got osteoporosis."],
        {"hip fracture", "osteoporosis"},
    ),
    "yes, and another": (
        ["N: Do you have a history of depression?", "P: Yes, and anxiety."],
        {"depression", "anxiety"},
    ),
    "surgery is no condition": (["P: I had my appendix out and a hip replacement."], set()),
    "back from the family": (
        ["N: Does diabetes run in your family?", "P: My brother.", "N: And you?", "P: No, just high cholesterol."],
        {"high cholesterol"},
    ),
    "over": (["P: I used to have gastritis."], {"gastritis (over)"}),
    "a cancer said twice": (
        ["P: I have ovarian cancer.", "P: They found the tumor early."],
        {"ovarian cancer"},
    ),
}


NEVER_HAD = (
    "diabetes, high blood pressure, heart disease, asthma, emphysema, heart failure, angina, epilepsy, glaucoma, "
    "kidney disease, stomach ulcers, arthritis, gout, anaemia, cancer, stroke, depression, anxiety, osteoporosis, "
    "psoriasis, eczema, shingles, tuberculosis, hepatitis, migraine, cataracts, lupus, fibromyalgia, scoliosis, "
    "sciatica, celiac disease, colitis, pancreatitis, gallstones, bronchitis, vertigo, tinnitus or sinusitis"
)


def test_a_denial_reaches_the_end_of_a_list_however_long() -> None:
    assert len(NEVER_HAD.split(",")) * 2 > 64, "longer than a sentence is read in one piece"
    denied = facts(Category.MEDICAL_HISTORY, f"P: I don't have {NEVER_HAD}. I have rosacea.")
    assert {one for one in denied if not one.startswith("not ")} == {"rosacea"}
    assert {"not diabetes", "not sinusitis"} <= denied


@pytest.mark.parametrize(("turns", "expected"), TALKS.values(), ids=TALKS.keys())
def test_conditions(turns: list[str], expected: set[str]) -> None:
    assert facts(Category.MEDICAL_HISTORY, *turns) == expected
