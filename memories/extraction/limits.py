"""How long what a candidate names may be: as long as a memory can hold it."""

from dataclasses import replace

from memories.extraction.candidates import Candidate

#: Characters, as in the models of memories.
NAME, REACTION, DOSE, ROUTE, FREQUENCY = 200, 300, 100, 60, 150


def within_limits(candidate: Candidate) -> Candidate | None:
    """The candidate with details that a memory can hold; None when the very thing it names is too long for one.

    A reaction and a frequency are cut between words. A dose that was cut would be another dose: it is left out.
    """
    if any(len(name) > NAME for name in _names(candidate)):
        return None
    allergy, medication = candidate.allergy, candidate.medication
    if allergy:
        allergy = replace(allergy, reaction=_cut(allergy.reaction, REACTION))
    if medication:
        medication = replace(
            medication,
            dose=medication.dose if len(medication.dose) <= DOSE else "",
            route=medication.route if len(medication.route) <= ROUTE else "",
            frequency=_cut(medication.frequency, FREQUENCY),
        )
    return replace(candidate, allergy=allergy, medication=medication)


def _names(candidate: Candidate) -> list[str]:
    names = [candidate.about]
    if facts := candidate.allergy:
        names += [facts.substance, facts.ingredient, facts.guess]
    if stated := candidate.medication:
        names += [stated.drug, stated.ingredient, stated.guess]
    return names


def _cut(text: str, longest: int) -> str:
    """The text, or as many of its first words as fit."""
    if len(text) <= longest:
        return text
    fitting, _, _ = text[: longest + 1].rpartition(" ")
    return fitting.rstrip(" ,;")
