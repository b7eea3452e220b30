"""The demonstration in a terminal: what was said, what was remembered, what waits for a person, what is found."""

from collections.abc import Sequence

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
from memories.search import SearchFilters, search

EXCERPT_TURNS = 6
STATUS_STYLES: dict[str, str] = {VerificationStatus.UNCONFIRMED: "yellow", VerificationStatus.CONFIRMED: "green"}


def tell(console: Console, staged: Staged, by: Actor, *, briefly: bool = False) -> None:
    """Print the story of one patient, reading it as the nurse who may see them; the reading goes on record.

    `briefly` leaves out what was said around the words that are quoted.
    """
    patient = staged.patient
    console.print()
    console.print(Rule(Text(f"{patient.name}  ({patient.external_id})", style="bold"), align="left"))
    with acting_as(by):
        for run in staged.runs:
            console.print(_scene(run.conversation, briefly=briefly))
        console.print(_waiting(staged))
        record(
            Event.READ,
            patient_id=patient.pk,
            objects=[run.conversation_id for run in staged.runs],
            resource=Conversation,
        )
    for question in staged.part.questions:
        console.print(_answer(staged, question, by))


# --- said, and remembered ------------------------------------------------------------------------------------------


def _scene(conversation: Conversation, *, briefly: bool) -> RenderableType:
    turns = list(conversation.turns.all())
    mentions = list(
        Mention.objects.filter(turn__in=turns).select_related("turn", "memory").order_by("turn__position", "start")
    )
    title = Text.assemble((conversation.title, "bold cyan"), (f"  {conversation.said_at:%a %d %b, %H:%M}", "dim"))
    told = [] if briefly else [Padding(_excerpt(turns, mentions), (0, 2))]
    return Group(Text(), title, *told, Padding(_remembered(mentions), (0, 2)))


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
    """A row for each memory: its category, its sentence with the words it rests on, and its status."""
    if not mentions:
        return Text("Nothing to remember.", style="dim")
    first_words = {mention.memory_id: mention for mention in reversed(mentions)}
    table = _columns()
    for mention in sorted(first_words.values(), key=lambda mention: mention.turn.position):
        table.add_row(*_row(mention))
    return table


def _row(mention: Mention) -> tuple[Text, Text, Text]:
    memory = mention.memory
    category = Text(memory.get_category_display().lower(), style="red" if memory.priority == "critical" else "blue")
    sentence = Text.assemble(memory.content, (f"  “{mention.quote}”", "dim"))
    return category, sentence, Text("denied here", "yellow") if mention.stance == Stance.DENIES else _status(memory)


def _columns() -> Table:
    """Three columns without lines; the middle one gives way when the terminal is narrow."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=16)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(no_wrap=True)
    return table


def _status(memory: Memory) -> Text:
    """What is reviewed has a status that matters; the rest simply counts."""
    if not memory.is_critical:
        return Text("")
    return Text(memory.status_label.lower(), style=STATUS_STYLES.get(memory.verification_status, "dim"))


# --- waits for a person ---------------------------------------------------------------------------------------------


def _waiting(staged: Staged) -> RenderableType:
    """The open questions, most urgent first; why, where it is more than that nobody has confirmed it yet."""
    tasks = ReviewTask.objects.open().by_urgency().for_patient(staged.patient).select_related("memory", "related")
    table = _columns()
    for task in tasks:
        related = f" / {task.related.content}" if task.related else ""
        about = Text.assemble(task.memory.content, related, (f"  {task.explanation}", "dim"))
        table.add_row(Text(task.get_kind_display(), style="red" if task.severity == 1 else "yellow"), about)
    heading = Text.assemble(("\nWaits for a clinician", "bold"), ("  until then it is shown as unconfirmed", "dim"))
    return Group(heading, Padding(table, (0, 2)))


# --- found ----------------------------------------------------------------------------------------------------------


def _answer(staged: Staged, question: str, by: Actor) -> RenderableType:
    with acting_as(by):
        result = search(patient=staged.patient, query=question, limit=3, filters=SearchFilters())
        found = [hit.memory.pk for hit in result.hits]
        record(Event.SEARCH, patient_id=staged.patient.pk, objects=found, resource=Memory, query=question)
    table = _columns()
    for hit in result.hits:
        table.add_row(f"{hit.relevance_score:.2f}", hit.memory.content, _status(hit.memory))
    nothing = Text("Nothing that answers this.", style="dim")
    return Group(Text(f"\nAsked: {question}", style="bold"), Padding(table if result.hits else nothing, (0, 2)))
