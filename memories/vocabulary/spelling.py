"""Which known name a misspelt one may have meant."""

from collections.abc import Mapping, Sequence

_SHORTEST = 5


def nearest(name: str, names: Mapping[str, Sequence[str]]) -> str:
    """The one name within one slip (two from eight letters on) of `name`, sharing its first letter; else "".

    `names` are grouped by first letter. Two names equally near leave it open: "".
    """
    if len(name) < _SHORTEST:
        return ""
    reach = 2 if len(name) >= 8 else 1
    close = [
        (slips(name, known, reach), known)
        for known in names.get(name[0], ())
        if abs(len(known) - len(name)) <= reach
    ]
    close = sorted(pair for pair in close if 0 < pair[0] <= reach)
    tie = len(close) > 1 and close[0][0] == close[1][0]
    return close[0][1] if close and not tie else ""


def slips(one: str, other: str, most: int) -> int:
    """Optimal string alignment distance: letters added, left out, changed or swapped; `most` + 1 when beyond it."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b))
            if earlier and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
