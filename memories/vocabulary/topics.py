"""What a text is about, in words that lay people and clinicians share."""


def topics_of_memory(text: str) -> set[str]:
    return set()


def topics_of_query(text: str) -> set[str]:
    return set()
