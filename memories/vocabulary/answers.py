"""What a question asks for (a time, a number, a reason), and which texts hold one. Like topics, they only find."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Answer:
    name: str
    asked: re.Pattern[str]
    given: re.Pattern[str]


_ANSWERS = (
    _Answer(
        "=a time",
        re.compile(
            r"^(?:since )?when\b|\bhow (?:long|old|often)\b|\bhow far along\b"
            r"|\b(?:what|which) (?:year|month|day|date|time|age)\b"
        ),
        re.compile(
            r"\b(?:yesterday|today|tonight|tomorrow|ago|last|next|since|recently|soon|once|twice|daily|weekly|age|aged"
            r"|morning|afternoon|evening|night|noon|spring|summer|fall|autumn|winter|christmas|birthday|weekend"
            r"|(?:hour|minute|day|week|month|year|decade)s?|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
            r"|january|february|march|april|june|july|august|september|october|november|december"
            r"|(?:19|20)\d\d|\d{1,2}/\d{1,2}(?:/\d+)?|\d{1,2} ?[ap]\.?m)\b"
        ),
    ),
    _Answer(
        "=a number",
        re.compile(
            r"\bhow (?:much|many|far|heavily|high|low|tall|big|old|long|often)\b|\breadings?\b"
            r"|\b(?:what|which) (?:dose|dosage|strength|temperature|level|score|number|percentage|amount|age|size)\b"
        ),
        re.compile(
            r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred"
            r"|couple|few|several|half|dozen|pair)\b"
        ),
    ),
    _Answer(
        "=a reason",
        re.compile(r"^(?:why|how did|how come|what (?:made|caused|led|inspired|motivated))\b"),
        re.compile(
            r"\b(?:because|due to|since|so|caused?|led to|result|after|when|while|inspired|motivat\w+|reason)\b"
        ),
    ),
)


def answers_asked(question: str) -> set[str]:
    """The kinds of answer that a question asks for, as lexemes: `=a time`."""
    return {answer.name for answer in _ANSWERS if answer.asked.search(question.strip().lower())}


def answers_given(text: str) -> set[str]:
    """The kinds of answer that a text holds, as lexemes."""
    return {answer.name for answer in _ANSWERS if answer.given.search(text.lower())}
