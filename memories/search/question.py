"""A question as search asks it: its phrases, the topics that each stands for, and what kind of answer it wants."""

from dataclasses import dataclass

from memories.vocabulary.answers import answers_asked
from memories.vocabulary.lexicon import Found
from memories.vocabulary.topics import Topics, find_topics, guessed_topics
from memories.vocabulary.words import Word, words_of


@dataclass(frozen=True, slots=True)
class Question:
    """`pieces` of text, the first of them what no vocabulary knows; `topics` as (lexeme, number of its piece).

    A memory meets a piece by its words or by one of its topics, whichever says more, and never by both.
    """

    pieces: tuple[str, ...]
    topics: tuple[tuple[str, int], ...]


def read_question(query: str) -> Question:
    """Take a question apart."""
    words = words_of(query)
    pieces, topics, rest, read = [""], [], [], 0
    for found in _phrases(words):
        first, last = words[found.first].start, words[found.last - 1].end
        rest.append(query[read:first])
        pieces.append(query[first:last])
        topics += [(topic, len(pieces)) for topic in sorted(found.entry)]
        read = last
    pieces[0] = " ".join([*rest, query[read:]])
    for answer in sorted(answers_asked(query)):
        pieces.append("")
        topics.append((answer, len(pieces)))
    return Question(tuple(pieces), tuple(topics))


def _phrases(words: list[Word]) -> list[Found[Topics]]:
    """What stands for topics, in order; a word that no vocabulary knows for what it may be a misspelling of."""
    known = find_topics(words)
    inside = {place for found in known for place in range(found.first, found.last)}
    guessed = [Found(guessed_topics(word), at, at + 1) for at, word in enumerate(words) if at not in inside]
    return sorted([*known, *(guess for guess in guessed if guess.entry)], key=lambda found: found.first)
