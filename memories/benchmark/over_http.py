"""The measures that a caller sees: searches and writes over HTTP, with and without others at the same time."""

from collections.abc import Iterator
from functools import partial
from itertools import cycle

from audit.actors import acting_as
from memories.benchmark.measuring import Call, Times, at_once, by_turns, calls_a_second
from memories.benchmark.seeding import SEEDING, Seeded
from memories.benchmark.sentences import conversation
from memories.benchmark.server import Client
from memories.models import Memory
from patients.models import Patient

SEARCH, WRITE = "/api/v1/memories/search", "/api/v1/memories"


class Caller:
    """One who asks and tells over HTTP, each time about the next patient, and never the same twice."""

    def __init__(self, port: int, seeded: Seeded, questions: Iterator[str], tellings: Iterator[int]) -> None:
        self._port, self._seeded = port, seeded
        self._client = self._connect()
        self._questions, self._tellings = questions, tellings
        self._asked = cycle(seeded.patients)
        self.created: list[int] = []

    def _connect(self) -> Client:
        return Client(self._port, self._seeded.token)

    def searches(self, *, rounds: int) -> tuple[Times, Times]:
        """Searches of ours and of the floor, each with a question that nobody has asked before."""
        return by_turns(self._search(self._client), self._floor_search(self._client), rounds=rounds)

    def searches_a_second(self, clients: int, *, seconds: float) -> tuple[float, float]:
        """How many searches a second so many clients get answered: ours, the floor's."""
        connections = [self._connect() for _ in range(clients)]
        ours = [self._search(client) for client in connections]
        floor = [self._floor_search(client) for client in connections]
        return calls_a_second(ours, seconds=seconds), calls_a_second(floor, seconds=seconds)

    def writes(self, *, rounds: int, ask: bool) -> tuple[Times, Times]:
        """Conversations of three sentences, remembered when the answer comes. `ask`: the floor asks the model, too."""
        return by_turns(self._write, lambda: self._floor_write(ask), rounds=rounds)

    def background_writes(self, *, rounds: int) -> Times:
        """The same, answered when the words are stored."""
        times = Times()
        for _ in range(rounds):
            times.take(lambda: self._tell(background=True))
        return times

    def copies(self, threads: int, *, conversations: int) -> float:
        """How many live memories a fact has after so many threads told it at once, to a patient without memories."""
        for number in range(conversations):
            said = {"patient_id": self._seeded.empty.external_id, "conversation": conversation(number)}
            at_once([partial(self._connect().post, WRITE, said) for _ in range(threads)])
        with acting_as(SEEDING):
            kept = list(Memory.objects.for_patient(self._seeded.empty).live().values_list("category", "content"))
        return len(kept) / len(set(kept))

    def peak_megabytes(self) -> float:
        return float(self._client.post("/floor/memory", {})["megabytes"])

    # --- calls ----------------------------------------------------------------------------------------------------

    def _search(self, client: Client) -> Call:
        def ask() -> None:
            patient = next(self._asked)
            client.post(SEARCH, {"patient_id": patient.external_id, "query": next(self._questions), "limit": 3})

        return ask

    def _floor_search(self, client: Client) -> Call:
        def ask() -> None:
            client.post("/floor/search", {"patient": str(next(self._asked).pk), "query": next(self._questions)})

        return ask

    def _write(self) -> None:
        self.created.append(self._tell()["memories_created"])

    def _tell(self, **options: object) -> dict[str, int]:
        number = next(self._tellings)
        body = {"patient_id": self._told(number).external_id, "conversation": self._conversation(number), **options}
        return dict(self._client.post(WRITE, body))

    def _floor_write(self, ask: bool) -> None:
        number = next(self._tellings)
        body = {"patient": str(self._told(number).pk), "conversation": self._conversation(number), "ask": ask}
        self._client.post("/floor/write", body)

    def _told(self, number: int) -> Patient:
        return self._seeded.patients[number % len(self._seeded.patients)]

    def _conversation(self, number: int) -> list[str]:
        return conversation(number // len(self._seeded.patients))
