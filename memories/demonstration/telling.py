"""The demonstration in a terminal: what was said, what was remembered, what waits for a person, what is found."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from audit.actors import Actor, acting_as
from audit.models import Event
from audit.recording import record
from memories.choices import VerificationStatus
from memories.demonstration.staging import Staged
from memories.models import Conversation, Memory, Mention, ReviewTask, Turn
from memories.models.memory import Stance
from memories.search import Hit, SearchFilters, search

EXCERPT_TURNS = 5
STATUS_STYLES = {VerificationStatus.UNCONFIRMED: "yellow", VerificationStatus.CONFIRMED: "green"}


def tell(console: Console, staged: Staged, by: Actor) -> None:
    """Print the story of one patient, reading it as the nurse who may see them; the reading goes on record."""
    patient = staged.patient
    console.print()
    console.print(Rule(Text(f"{patient.name}  ({patient.external_id})", style="bold"), align="left"))
    with acting_as(by):
        for run in staged.runs:
            console.print(_scene(run.conversation))
        console.print(_waiting(staged))
        record(Event.READ, patient_id=patient.pk, objects=[run.conversation_id for run in staged.runs])
    for question in staged.part.questions:
        console.print(_answer(staged, question, by))


# --- said, and remembered ------------------------------------------------------------------------------------------


def _scene(conversation: Conversation) -> RenderableType:
    turns = list(conversation.turns.all())
    mentions = list(
        Mention.objects.filter(turn__in=turns).select_related("turn", "memory").order_by("turn__position", "start")
    )
    title = Text.assemble((conversation.title, "bold cyan"), (f"  {conversation.said_at:%a %d %b, %H:%M}", "dim"))
    return Group(Text(), title, Padding(_excerpt(turns, mentions), (0, 2)), Padding(_remembered(mentions), (0, 2)))


def _excerpt(turns: Sequence[Turn], mentions: Sequence[Mention]) -> Text:
    """The turns that something was remembered from, each with the question before it; the quoted words stand out."""
    quoted = {mention.turn.position for mention in mentions}
    asked = {at - 1 for at in quoted if at and turns[at - 1].text.rstrip().endswith("?")}
    shown = sorted(quoted | asked)[:EXCERPT_TURNS] or [0]
    lines = []
    for before, at in zip([-1, *shown], shown, strict=False):
        if at > before + 1:
            lines.append(Text("…", style="dim"))
        lines.append(_spoken(turns[at], mentions))
    if shown[-1] + 1 < len(turns):
        lines.append(Text("…", style="dim"))
    return Text("\n").join(lines)


def _spoken(turn: Turn, mentions: Sequence[Mention]) -> Text:
    words = Text(turn.text)
    for mention in mentions:
        if mention.turn_id == turn.pk:
            words.stylize("bold", mention.start, mention.end)
    return Text.assemble((f"{turn.speaker}: ", "dim"), words)


def _remembered(mentions: Sequence[Mention]) -> RenderableType:
    if not mentions:
        return Text("Nothing to remember.", style="dim")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for column in ("category", "sentence", "status", "words"):
        table.add_column(overflow="fold", style="dim" if column == "words" else "", no_wrap=column == "category")
    by_memory = sorted(mentions, key=lambda mention: mention.memory_id)
    for _, said in groupby(by_memory, key=lambda mention: mention.memory_id):
        table.add_row(*_row(next(said)))
    return table


def _row(mention: Mention) -> tuple[Text, str, Text, str]:
    memory = mention.memory
    denied = mention.stance == Stance.DENIES
    category = Text(f"→ {memory.get_category_display()}", style="red" if memory.priority == "critical" else "blue")
    return category, memory.content, Text("denied here", "yellow") if denied else _status(memory), f"“{mention.quote}”"


def _status(memory: Memory) -> Text:
    """What is reviewed has a status that matters; the rest simply counts."""
    if not memory.is_critical:
        return Text("")
    return Text(memory.status_label.lower(), style=STATUS_STYLES.get(memory.verification_status, "dim"))


# --- waits for a person ---------------------------------------------------------------------------------------------


def _waiting(staged: Staged) -> RenderableType:
    tasks = ReviewTask.objects.for_patient(staged.patient).open().by_urgency().select_related("memory", "related")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for task in tasks:
        why = task.explanation or "An AI fact about an allergy or a medication counts once a clinician confirms it."
        style = "red" if task.severity == 1 else "yellow"
        about = f"{task.memory.content} / {task.related.content}" if task.related else task.memory.content
        table.add_row(Text(task.get_kind_display(), style=style), about, Text(why, style="dim"))
    return Group(Text("\nWaits for a clinician", style="bold"), Padding(table, (0, 2)))


# --- found ----------------------------------------------------------------------------------------------------------


def _answer(staged: Staged, question: str, by: Actor) -> RenderableType:
    with acting_as(by):
        result = search(patient=staged.patient, query=question, limit=3, filters=SearchFilters())
        found = [hit.memory.pk for hit in result.hits]
        record(Event.SEARCH, patient_id=staged.patient.pk, objects=found, resource=Memory, query=question)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for hit in result.hits:
            table.add_row(*_hit(hit))
    nothing = Text("Nothing that answers this.", style="dim")
    return Group(Text(f"\nAsked: {question}", style="bold"), Padding(table if result.hits else nothing, (0, 2)))


def _hit(hit: Hit) -> tuple[str, str, Text]:
    return f"{hit.relevance_score:.2f}", hit.memory.content, _status(hit.memory)
