"""Medications in natural talk: names, doses, and whether they are taken."""

import pytest

from memories.choices import Category, Priority
from tests.memories.extraction.statements import candidates, facts

TALKS = {
    "done with": (["N: And the Cipro?", "P: I'm done with it."], {"ciprofloxacin stopped"}),
    "weaned off": (["C: We weaned her off the Keppra in June."], {"levetiracetam stopped"}),
    "what it did": (["P: Prozac made me jittery."], {"fluoxetine stopped"}),
    "taken in the end no more": (
        ["N: You've been taking the aspirin and the metoprolol?", "P: The aspirin. They took me off the metoprolol."],
        {"aspirin active", "metoprolol stopped"},
    ),
    "a class with its name": (["P: I have a brown inhaler, Clenil."], {"beclomethasone inhaler active"}),
    "a dose before a count of times": (
        ["N: I'm increasing your gabapentin to six hundred three times a day."],
        {"gabapentin 600 3 times a day active"},
    ),
    "advised against, and not taken": (["N: Avoid ibuprofen with your kidneys."], set()),
    "advised against, and taken": (
        ["P: I take ibuprofen for my knee.", "N: I'd avoid the ibuprofen with your kidneys."],
        {"ibuprofen stopped"},
    ),
    "looks for something else": (["N: What do you use for birth control?", "P: Nothing."], set()),
    "dose and frequency in words": (
        ["P: I take metoprolol, twenty five milligrams twice a day."],
        {"metoprolol 25 mg twice a day active"},
    ),
    "letters spelt apart": (
        ["N: What do you take for your pressure?", "P: Lisinopril, ten M G once a day."],
        {"lisinopril 10 mg once a day active"},
    ),
    "a decimal": (["C: She takes two point five milligrams of Eliquis."], {"apixaban 2.5 mg active"}),
    "a dose corrected at once": (
        ["P: I take five, no wait, ten milligrams of amlodipine."],
        {"amlodipine 10 mg active"},
    ),
    "a dose corrected afterwards": (
        ["P: I'm on lisinopril five milligrams, no, sorry, ten milligrams."],
        {"lisinopril 10 mg active"},
    ),
    "a list, each with its own dose": (
        ["P: I take Lasix forty milligrams, potassium twenty and a baby aspirin every morning."],
        {"furosemide 40 mg active", "potassium 20 active", "aspirin every morning active"},
    ),
    "asked how much": (
        ["N: Are you on warfarin?", "P: Yes.", "N: How much?", "P: Five milligrams."],
        {"warfarin 5 mg active"},
    ),
    "confirmed dose": (
        ["N: You take Zocor?", "P: Yes.", "N: Is that twenty milligrams?", "P: It is."],
        {"simvastatin 20 mg active"},
    ),
    "as needed and by what way": (
        ["P: I use my albuterol inhaler as needed."],
        {"albuterol inhaler as needed active"},
    ),
    "put right in the next sentence": (
        ["N: What's the dose of the furosemide?", "P: Twenty milligrams. No, hang on, it's forty now."],
        {"furosemide 40 mg active"},
    ),
    "raised from one dose to another": (["P: They upped my Lexapro from ten to twenty."], {"escitalopram 20 active"}),
    "one or two": (
        ["N: How much Tylenol do you take?", "P: One or two tablets every six hours when it hurts."],
        {"acetaminophen 1 or 2 tablets every 6 hours as needed active"},
    ),
    "morning and evening": (
        ["N: Metoprolol?", "P: That's twenty-five, morning and evening."],
        {"metoprolol 25 morning and evening active"},
    ),
    "a class that is put a name to": (
        ["P: I take a water pill.", "N: What's the water pill called?", "P: Furosemide."],
        {"furosemide active"},
    ),
    "not since March": (["P: I haven't taken the gabapentin since March."], {"gabapentin stopped"}),
    "one off, another on": (
        ["C: They took him off Lasix and put him on torsemide twenty milligrams."],
        {"furosemide stopped", "torsemide 20 mg active"},
    ),
    "pointed at and no longer taken": (
        ["N: The ibuprofen I see here, are you still taking that?", "P: No, they told me to quit it."],
        {"ibuprofen stopped"},
    ),
    "units of insulin": (
        ["C: He gets Lantus, twenty units at bedtime."],
        {"insulin glargine 20 units at bedtime active"},
    ),
    "every so many hours": (["P: I take Tylenol every six hours."], {"acetaminophen every 6 hours active"}),
    "a lay name": (
        ["P: I'm on a water pill and a blood thinner."],
        {"water pill active", "blood thinner active"},
    ),
    "a lay name asked about": (
        ["N: Do you take sugar pills?", "P: Yes, twice a day."],
        {"sugar pills twice a day active"},
    ),
    "a class that was then named": (
        ["N: Are you taking your diabetes pills?", "P: Metformin? Yes, every day."],
        {"metformin every day active"},
    ),
    "stopped": (["P: I stopped taking Crestor last month."], {"rosuvastatin stopped"}),
    "stopped, said with it": (["C: She was on Zyprexa but we stopped it in May."], {"olanzapine stopped"}),
    "taken off": (["P: They took me off the Xarelto."], {"rivaroxaban stopped"}),
    "no longer": (["P: I no longer take naproxen."], {"naproxen stopped"}),
    "asked whether still taken": (
        ["N: Are you still taking the gabapentin?", "P: No, I quit in June."],
        {"gabapentin stopped"},
    ),
    "stopped in the next sentence": (
        ["C: The doctor put him on Omnicef. He finished it on Monday."],
        {"cefdinir stopped"},
    ),
    "one stopped, another started": (
        ["N: Stop the lisinopril, and start losartan fifty milligrams daily."],
        {"lisinopril stopped", "losartan 50 mg daily intended"},
    ),
    "switched": (
        ["P: They switched me from Xarelto to warfarin."],
        {"rivaroxaban stopped", "warfarin active"},
    ),
    "everything except one": (["N: Continue your medicines except the Prozac."], {"fluoxetine stopped"}),
    "stopping only if": (
        ["N: If you don't lose weight we should discontinue the phentermine."],
        {"phentermine active"},
    ),
    "a dose changed": (["N: Let's cut the Lasix down to twenty."], {"furosemide 20 active"}),
    "a prescription spelt apart": (
        ["N: She takes Glucophage five hundred M G B I D."],
        {"metformin 500 mg bid active"},
    ),
    "a dose that leads to the next drug": (
        ["P: I take Zantac, and twenty milligrams of Lasix."],
        {"ranitidine active", "furosemide 20 mg active"},
    ),
    "only talked of": (["P: The doctor is thinking about starting me on insulin."], {"insulin intended"}),
    "asked of the past": (["N: Did you ever take Fosamax?", "P: Years ago."], {"alendronate stopped"}),
    "never stop it": (["P: I haven't stopped my levothyroxine."], {"levothyroxine unknown"}),
    "taken in the past": (["P: I have taken Lexapro before."], {"escitalopram stopped"}),
    "denied": (["P: I don't take aspirin."], {"aspirin not-taken"}),
    "examples that were denied": (
        ["N: Have you taken anything, such as Advil or Tylenol?", "P: No."],
        {"ibuprofen not-taken", "acetaminophen not-taken"},
    ),
    "examples that nobody took up": (
        ["N: You could try something like Advil.", "P: Hm."],
        {"ibuprofen intended"},
    ),
    "no trouble with a drug is no denial": (
        ["P: No problems with the Lamictal, I take it every night."],
        {"lamotrigine every night active"},
    ),
    "prescribed now": (
        ["N: I'll start you on Bactrim, one tablet twice a day."],
        {"sulfamethoxazole/trimethoprim 1 tablet twice a day intended"},
    ),
    "continued": (["N: Continue the Nexium forty milligrams daily."], {"esomeprazole 40 mg daily active"}),
    "somebody else's": (["P: My husband takes Plavix."], set()),
    "the caregiver's own": (["C: I take metoprolol myself."], set()),
    "a misspelt name": (
        ["P: I take lisinipril every morning."],
        {"lisinipril = lisinopril? every morning active"},
    ),
    "an everyday word": (["P: I can iron my own shirts.", "P: The nurse checked my calcium levels."], set()),
    "a drug that is only an exception": (
        ["N: Any other medications apart from the metformin?", "P: No."],
        {"metformin active"},
    ),
    "a name put right": (["N: Metoprolol, was it?", "P: Bisoprolol."], {"bisoprolol active"}),
}


@pytest.mark.parametrize(("turns", "expected"), TALKS.values(), ids=TALKS.keys())
def test_medications(turns: list[str], expected: set[str]) -> None:
    assert facts(Category.MEDICATION, *turns) == expected


@pytest.mark.parametrize(
    ("drug", "priority"),
    [("warfarin", Priority.CRITICAL), ("Lantus", Priority.CRITICAL), ("Lipitor", Priority.HIGH)],
)
def test_a_drug_that_harms_most_is_critical(drug: str, priority: Priority) -> None:
    (one,) = candidates(Category.MEDICATION, f"P: I take {drug}.")

    assert one.priority == priority


def test_a_denied_drug_is_marked_as_a_denial() -> None:
    (one,) = candidates(Category.MEDICATION, "P: I'm not on warfarin.")

    assert one.denied


def test_what_is_said_twice_rests_on_two_quotes() -> None:
    found = candidates(Category.MEDICATION, "P: I take Lipitor.", "N: Good.", "P: I take the Lipitor at night.")

    assert [(one.about, one.quote.turn) for one in found] == [("atorvastatin", 0), ("atorvastatin", 2)]
