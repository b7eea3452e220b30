"""Allergies in natural talk: said, asked and answered, denied, somebody else's, and none at all."""

import pytest

from memories.choices import Category, Priority, Severity
from memories.extraction.candidates import AllergyFacts
from memories.facts import with_ingredient
from tests.memories.extraction.statements import candidates, facts

TALKS = {
    "ruled out, with the reason": (["C: And no strawberries, she swells up."], {"strawberry (swells)"}),
    "ruled out, the reason next": (["C: Keep him away from walnuts. His throat closes."], {"walnut (throat closes)"}),
    "one tape, told twice": (
        ["C: The skin under the adhesive tape blistered, he says tape always does that to him."],
        {"adhesive tape (blistered)"},
    ),
    "a story": (
        ["P: I ate the scallops and within minutes I was covered in hives."],
        {"scallop (hives)"},
    ),
    "on the list, and explained": (
        ["N: I see Ceftin on your list of allergies.", "P: Yes, that gave me hives."],
        {"cefuroxime (hives)"},
    ),
    "an exception to a no": (
        ["N: Any drug allergies?", "P: No drugs, just pollen."],
        {"pollen", "no-known-drug-allergies"},
    ),
    "taken back": (
        ["N: Any allergies?", "P: Not really. Oh, wait, Levaquin, I got hives."],
        {"levofloxacin (hives)"},
    ),
    "of two asked for, one": (
        ["N: You're allergic to tetracycline and codeine?", "P: Just the codeine. Tetracycline was my sister."],
        {"codeine"},
    ),
    "a fever is no hay": (["C: He gets hay fever and he's allergic to cats."], {"cat"}),
    "a plain statement": (["-: Patient is allergic to penicillin"], {"penicillin"}),
    "a short answer": (["N: Any allergies?", "P: Penicillin."], {"penicillin"}),
    "an answer with the reaction": (
        ["N: Are you allergic to anything?", "P: Sulfa. I break out in hives."],
        {"sulfa drugs (break out, hives)"},
    ),
    "a reaction asked for": (
        ["P: I'm allergic to codeine.", "N: What happens when you take it?", "P: I get a terrible rash."],
        {"codeine (rash)"},
    ),
    "a reaction that is taken for granted": (
        ["N: What happens when you take Keflex?", "P: My face swells up."],
        {"cephalexin (swells)"},
    ),
    "several in one answer": (
        ["N: Any drug allergies?", "P: Yes, a few. Levaquin, Biaxin and Septra."],
        {"levofloxacin", "clarithromycin", "sulfamethoxazole/trimethoprim"},
    ),
    "a list that goes on in later turns": (
        [
            "N: Is she allergic to any medicine?",
            "C: Yes, to morphine.",
            "N: Okay, morphine.",
            "C: And erythromycin.",
        ],
        {"morphine", "erythromycin"},
    ),
    "a name found after a search for it": (
        ["N: Any allergies?", "P: Yes, it's an antibiotic, what's it called. It's called Cleocin."],
        {"clindamycin"},
    ),
    "foods and materials": (
        ["C: He's allergic to peanuts and latex."],
        {"peanut", "latex"},
    ),
    "a thing that no list holds": (["P: I am allergic to quinoa bread."], {"quinoa bread"}),
    "without the word allergy": (["P: I can't take aspirin, it gives me hives."], {"aspirin (hives)"}),
    "an exception taken for granted": (["N: Any allergies besides penicillin?", "P: No."], {"penicillin"}),
    "one denied, another stated": (
        ["P: I'm not allergic to penicillin, but I'm allergic to sulfa."],
        {"not penicillin", "sulfa drugs"},
    ),
    "named in the question and denied": (
        ["N: Is he allergic to shellfish?", "C: No, he eats shrimp all the time."],
        {"not shellfish"},
    ),
    "named in the question and confirmed": (["N: You're allergic to ibuprofen?", "P: Yes."], {"ibuprofen"}),
    "somebody else's": (["P: My sister is allergic to penicillin and my mother to eggs."], set()),
    "the caregiver's own": (["C: I'm allergic to cats myself.", "C: She loves hers."], set()),
    "a caregiver's mother is the patient": (["C: Mom is allergic to tetracycline."], {"tetracycline"}),
    "a question nobody answered": (
        ["N: Are you allergic to penicillin?", "P: Could you close the window?"],
        set(),
    ),
    "a misspelt drug": (
        ["N: Any allergies?", "P: Yes, I'm allergic to amoxicilin."],
        {"amoxicilin = amoxicillin?"},
    ),
    "none at all": (["N: Do you have any allergies?", "P: No, none."], {"no-known-allergies"}),
    "none to drugs": (
        ["N: Any allergies to medications?", "P: Not that I know of."],
        {"no-known-drug-allergies"},
    ),
    "none, as a note": (["-: No known drug allergies."], {"no-known-drug-allergies"}),
    "none, abbreviated": (["-: NKDA"], {"no-known-drug-allergies"}),
    "none, agreed to": (["N: So no allergies, correct?", "P: Correct."], {"no-known-allergies"}),
    "a question asked back is no answer": (
        ["N: Any allergies?", "P: What do you mean?", "N: Are you allergic to anything?", "P: Oh. No."],
        {"no-known-allergies"},
    ),
    "narrowed to drugs before the answer": (
        ["N: Any allergies?", "P: To what?", "N: Just allergies to medicines, really.", "P: No."],
        {"no-known-drug-allergies"},
    ),
    "nothing else is not nothing": (
        ["N: Any allergies?", "P: Penicillin.", "N: Any other allergies?", "P: No."],
        {"penicillin"},
    ),
    "hay fever is a condition": (["P: I take Claritin for my seasonal allergies."], set()),
    "cannot take it": (["N: Any known allergies?", "P: Yes, I cannot take sulfa drugs."], {"sulfa drugs"}),
    "the second half of a check": (
        [
            "N: I have that you take no medicines, but that you're allergic to Augmentin, is that right?",
            "P: Yes.",
        ],
        {"amoxicillin/clavulanate"},
    ),
    "each with its own reaction": (
        ["P: I'm allergic to Percodan and amoxicillin. The amoxicillin gave me hives, the Percodan made me dizzy."],
        {"oxycodone/aspirin (dizzy)", "amoxicillin (hives)"},
    ),
    "one reaction for all": (
        ["P: Penicillin and sulfa give me hives."],
        {"penicillin (hives)", "sulfa drugs (hives)"},
    ),
    "a drug that only stands beside it": (
        ["P: I'm allergic to sulfa and I don't take aspirin."],
        {"sulfa drugs"},
    ),
    "any of a kind names none": (
        ["N: Are you allergic to any antibiotics?", "P: Erythromycin."],
        {"erythromycin"},
    ),
    "agreed to in other words": (
        ["N: Do you have a penicillin allergy?", "P: That's what my mother always told me."],
        {"penicillin"},
    ),
    "not knowing is no denial": (["N: Is he allergic to anything?", "C: I don't know."], set()),
    "one of several left out": (
        ["N: So penicillin, sulfa and codeine are your allergies?", "P: Not codeine."],
        {"penicillin", "sulfa drugs", "codeine", "not codeine"},
    ),
    "imagined": (["P: If I had an allergy to latex I would know by now."], set()),
    "it followed": (["P: They gave me morphine and I itched all over."], {"morphine (itched)"}),
    "it was relief that followed": (["P: I took Benadryl and the itching went away."], set()),
    "allergies that act up": (["P: My allergies are acting up again."], set()),
    "asked for without the word": (["N: Anything you can't take?", "P: Erythromycin."], {"erythromycin"}),
    "no to what cannot be taken states no absence": (["N: Anything you can't take?", "P: No."], set()),
    "what disagrees": (
        ["P: Penicillin and me don't get along. Hives from head to toe."],
        {"penicillin (hives)"},
    ),
    "what it does when eaten": (["C: When he eats eggs his lips puff up."], {"egg (puff up)"}),
    "relief when taken": (["P: When I take Benadryl the swelling goes down."], set()),
    "stopped for what it did": (
        ["P: I had to stop the amoxicillin because I came out in a rash."],
        {"amoxicillin (rash)"},
    ),
    "a problem for you": (
        ["N: Penicillin, is that a problem for you?", "P: Yes, I get a rash."],
        {"penicillin (rash)"},
    ),
    "a note with its reactions in brackets": (
        ["-: Allergies: penicillin (rash), latex, shellfish."],
        {"penicillin (rash)", "latex", "shellfish"},
    ),
    "the heading of a note": (["-: ALLERGIES: NKDA."], {"no-known-drug-allergies"}),
    "the exception to a no": (["N: Any allergies?", "P: Not to medicine, no. Just cats."], {"cat"}),
    "the rescue is no allergen": (
        ["N: Any food allergies?", "C: Shellfish and tree nuts, he carries an EpiPen."],
        {"shellfish", "tree nuts"},
    ),
    "a comparison names no allergen": (
        ["N: Any allergies?", "P: Demerol.", "N: What does it do?", "P: Makes me sick as a dog."],
        {"meperidine (sick)"},
    ),
    "a denial with its reason": (
        [
            "C: She is not allergic to penicillin after all, she had amoxicillin last winter and was fine.",
            "C: She seemed dizzy this morning.",
        ],
        {"not penicillin"},
    ),
    "a denial in reported speech": (
        ["C: She says no, I'm not allergic to sulfa, that was my sister."],
        {"not sulfa drugs"},
    ),
    "medicines asked about afterwards": (
        ["N: Any allergies?", "P: No.", "N: Okay. Insulin still the Lantus?", "P: Yes, ten units at bedtime."],
        {"no-known-allergies"},
    ),
    "a medicine pointed at afterwards": (
        ["N: Any allergies?", "P: Codeine.", "N: The aspirin I see here, are you still taking that?", "P: Yes."],
        {"codeine"},
    ),
    "pets asked about afterwards": (
        ["N: Any allergies?", "P: No.", "N: Do you have pets?", "P: Two cats and a dog."],
        {"no-known-allergies"},
    ),
    "said when it is offered": (["N: Is it okay if I use latex gloves?", "P: No, I'm allergic."], {"latex"}),
    "nothing new is not nothing": (["N: Anything new with allergies?", "P: No, same old penicillin."], {"penicillin"}),
    "no, just the one": (["N: Any allergies?", "P: No, just penicillin."], {"penicillin"}),
    "no, that one is fine": (["N: Any allergies?", "P: No, I had penicillin in March."], {"no-known-allergies"}),
    "and you, at the beginning": (
        ["N: And you are not allergic to anything, right?", "P: That's right."],
        {"no-known-allergies"},
    ),
    "silence is no denial": (["N: Any allergies?", "P: ..."], set()),
}


@pytest.mark.parametrize(("turns", "expected"), TALKS.values(), ids=TALKS.keys())
def test_allergies(turns: list[str], expected: set[str]) -> None:
    assert facts(Category.ALLERGY, *turns) == expected


PREDICATES = (
    "likes bananas", "loves her bananas", "prefers oatmeal without sugar at 2 o'clock", "eats eggs every morning",
    "had eggs for breakfast", "ate two bananas", "wants bananas", "is asking for chocolate", "has a cat",
    "owns a dog", "takes aspirin daily", "was started on lisinopril", "hates mushrooms", "enjoys strawberries",
    "doesn't like broccoli",
    "buys fish on Fridays", "drinks milk at night", "needs paper tape on her legs", "feeds the cat", "brought tomatoes",
    "lives with two cats", "asked for morphine", "uses latex gloves", "sleeps on a feather pillow",
)  # fmt: skip


@pytest.mark.parametrize("predicate", PREDICATES)
@pytest.mark.parametrize("who", ["-", "N", "P", "C"])
def test_what_has_a_predicate_of_its_own_goes_on_no_list_of_allergies(predicate: str, who: str) -> None:
    for turns in (
        [f"{who}: Patient is allergic to peanuts.", f"{who}: Patient {predicate}."],
        [f"{who}: Patient is allergic to peanuts", f"{who}: She {predicate}"],
        [f"{who}: Patient is allergic to peanuts. {predicate.capitalize()}."],
    ):
        assert facts(Category.ALLERGY, *turns) == {"peanut"}


@pytest.mark.parametrize("joint", [" and ", ", "])
@pytest.mark.parametrize(
    "predicate", ["likes bananas", "takes aspirin daily", "prefers oatmeal", "has a cat", "wants morphine"]
)
def test_a_second_predicate_ends_the_list(joint: str, predicate: str) -> None:
    assert facts(Category.ALLERGY, f"-: She is allergic to peanuts{joint}{predicate}.") == {"peanut"}


@pytest.mark.parametrize(
    "said",
    ["And strawberries.", "Strawberries too.", "Strawberries", "Also fresh strawberries", "Oh, and strawberries."],
)
@pytest.mark.parametrize("who", ["-", "N", "P", "C"])
def test_what_has_none_goes_on_with_it(said: str, who: str) -> None:
    assert facts(Category.ALLERGY, f"{who}: Patient is allergic to peanuts.", f"{who}: {said}") == {
        "peanut",
        "strawberry",
    }


def test_a_bare_name_with_what_it_does_goes_on_with_it() -> None:
    turns = ["-: Patient is allergic to peanuts", "-: Bananas, she swells up"]
    assert facts(Category.ALLERGY, *turns) == {"peanut", "banana (swells)"}


def test_daily_life_told_after_an_answer_is_no_allergy() -> None:
    turns = ["N: Any allergies?", "P: Just penicillin. My granddaughter brings me bananas on Sundays."]
    assert facts(Category.ALLERGY, *turns) == {"penicillin"}


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        ("eggs", "egg"), ("egg", "egg"), ("Egg whites", "egg"), ("strawberries", "strawberry"), ("cats", "cat"),
        ("walnuts", "walnut"), ("cashews", "cashew"), ("shrimp", "shrimp"), ("oats", "oats"),
        ("shell fish", "shellfish"), ("brazil nuts", "brazil nut"), ("latex gloves", "latex"),
    ],
)  # fmt: skip
def test_one_allergen_has_one_name_whoever_makes_the_candidate(heard: str, name: str) -> None:
    (local,) = candidates(Category.ALLERGY, f"P: I'm allergic to {heard}.")
    named = with_ingredient(AllergyFacts(heard))

    assert local.allergy
    assert (local.allergy.ingredient, local.about, named.ingredient) == (name, name, name)


def test_an_allergy_is_critical_and_keeps_how_bad_it_was() -> None:
    (one,) = candidates(Category.ALLERGY, "P: I'm allergic to bee stings. I had a severe swelling of the throat.")

    assert one.allergy
    assert (one.priority, one.allergy.severity) == (Priority.CRITICAL, Severity.SEVERE)


def test_an_answer_is_what_an_allergy_rests_on() -> None:
    (one,) = candidates(Category.ALLERGY, "N: Are you allergic to latex?", "P: Yes, I am.")

    assert (one.quote.turn, one.quote.text) == (1, "Yes, I am")


def test_an_allergen_is_not_a_medication() -> None:
    assert facts(Category.MEDICATION, "N: Any allergies?", "P: Penicillin. I took penicillin as a child.") == set()
