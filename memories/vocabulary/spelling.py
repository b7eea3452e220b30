"""Which known name a misspelt one may have meant."""

from collections.abc import Mapping, Sequence

from rapidfuzz.distance import OSA

_SHORTEST = 5


def nearest(name: str, names: Mapping[str, Sequence[str]]) -> str:
    """The one name within one slip (two from eight letters on) of `name`, sharing its first letter; else "".

    `names` are grouped by first letter. Two names equally near leave it open: "".
    """
    if len(name) < _SHORTEST:
        return ""
    reach = 2 if len(name) >= 8 else 1
    close = [(OSA.distance(name, known, score_cutoff=reach), known) for known in names.get(name[0], ())]
    close = sorted(pair for pair in close if 0 < pair[0] <= reach)
    tie = len(close) > 1 and close[0][0] == close[1][0]
    return close[0][1] if close and not tie else ""
