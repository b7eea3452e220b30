import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit.models import AccessLog, Event
from memories.demonstration.cast import load_cast
from memories.models import Conversation, ExtractionRun, Memory, ReviewTask, RunState
from patients.models import Patient, User
from tests.conftest import directing

pytestmark = pytest.mark.django_db


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Three conversations, one of them longer."""
    said = [
        {
            "id": "v1",
            "turns": [{"speaker": "Nurse", "text": "Any allergies?"}, {"speaker": "Patient", "text": "Latex."}],
        },
        {"id": "v2", "turns": ["She takes lisinopril 10 mg once a day."], "said_at": "2026-03-04T09:30"},
        {"id": "v3", "turns": ["Nice weather today."]},
    ]
    path = tmp_path / "visits.jsonl"
    path.write_text("".join(json.dumps(conversation) + "\n" for conversation in said))
    return path


def ingest(path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("ingest", str(path), "--patient", "patient_123", *options, stdout=out, stderr=out)
    return out.getvalue()


def stored() -> tuple[list[str], int]:
    """The ids of the conversations, and the number of memories."""
    with directing():
        ids = Conversation.objects.order_by("source_id").values_list("source_id", flat=True)
        return list(ids), Memory.objects.count()


# --- ingest --------------------------------------------------------------------------------------------------------


def test_ingest_takes_in_each_conversation_and_reads_it(mrs_hale: Patient, visits: Path) -> None:
    printed = ingest(visits)
    assert stored()[0] == ["v1", "v2", "v3"]
    assert "3 conversations taken in, 0 known before" in printed
    with directing():
        assert set(ExtractionRun.objects.values_list("state", flat=True)) == {RunState.DONE}
        assert Memory.objects.filter(category="medication", about="lisinopril").exists()
        assert Conversation.objects.get(source_id="v2").said_at.isoformat() == "2026-03-04T09:30:00+00:00"


def test_ingest_twice_changes_nothing(mrs_hale: Patient, visits: Path) -> None:
    ingest(visits)
    before = stored()
    assert "0 conversations taken in, 3 known before" in ingest(visits)
    assert stored() == before


def test_ingest_in_the_background_leaves_the_reading_to_the_worker(mrs_hale: Patient, visits: Path) -> None:
    assert "3 left to the worker" in ingest(visits, "--background")
    assert stored() == (["v1", "v2", "v3"], 0)


def test_ingest_names_a_broken_line_and_goes_on(mrs_hale: Patient, visits: Path, capsys: pytest.CaptureFixture) -> None:
    visits.write_text(visits.read_text() + '{"turns": \n{"id": "v5", "turns": ["All well."]}\n')
    out = io.StringIO()
    with pytest.raises(CommandError) as stopped:
        call_command("ingest", str(visits), "--patient", "patient_123", stdout=out, stderr=out)
    assert stopped.value.returncode == 1
    assert "Line 4 is not JSON." in out.getvalue()
    assert stored()[0] == ["v1", "v2", "v3", "v5"]


def test_ingest_names_a_conversation_that_is_refused(mrs_hale: Patient, visits: Path, settings: object) -> None:
    settings.MAX_CONVERSATION_TURNS = 1  # type: ignore[attr-defined]
    with pytest.raises(CommandError):
        ingest(visits)
    assert stored()[0] == ["v2", "v3"]


def test_ingest_refuses_an_unknown_patient(mrs_hale: Patient, visits: Path) -> None:
    with pytest.raises(CommandError, match="no patient nobody-1"):
        call_command("ingest", str(visits), "--patient", "nobody-1")
    assert stored() == ([], 0)


def test_ingest_as_somebody_has_their_rights_and_their_name(
    mrs_hale: Patient, mr_stone: Patient, carl: User, visits: Path
) -> None:
    with pytest.raises(CommandError, match="no patient stone-1 that carl may see"):
        call_command("ingest", str(visits), "--patient", "stone-1", "--as", "carl")
    ingest(visits, "--as", "carl")
    with directing():
        assert set(Conversation.objects.values_list("recorded_by__username", flat=True)) == {"carl"}
        assert AccessLog.objects.filter(event=Event.CREATE, actor_label="carl").count() == 3


def test_ingest_refuses_a_role_that_adds_nothing(mrs_hale: Patient, adam: User, visits: Path) -> None:
    with pytest.raises(CommandError, match="role of adam"):
        ingest(visits, "--as", "adam")


def test_an_empty_file_is_said(mrs_hale: Patient, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(CommandError, match="holds no conversation"):
        ingest(tmp_path / "empty.txt")


# --- the demonstration ---------------------------------------------------------------------------------------------


@pytest.fixture
def nurse(db: None, tmp_path: Path) -> User:
    call_command("bootstrap", "--credentials", str(tmp_path / "credentials"), stdout=io.StringIO())
    with directing():
        return User.objects.get(username="nurse")


def demo(*options: str) -> str:
    out = io.StringIO()
    call_command("demo", *options, stdout=out)
    return out.getvalue()


def test_demo_tells_what_was_said_remembered_waits_and_is_found(nurse: User) -> None:
    told = demo()
    with directing():
        critical = list(Memory.objects.live().critical())
        assert Memory.objects.for_patient(Patient.objects.get(external_id="patient_123")).exists()
    assert "Any allergies?" in told
    assert critical
    assert all(word in told for word in ("unconfirmed", "Waits for a clinician", "Is this true?", "Asked:", "/admin/"))


def test_demo_remembers_the_allergy_with_its_reaction_for_a_clinician_to_confirm(nurse: User) -> None:
    demo("--quiet")
    with directing():
        allergy = Memory.objects.live().get(about="sulfa drugs")
        assert (allergy.verification_status, "hives" in allergy.allergy.reaction) == ("unconfirmed", True)
        asked = set(ReviewTask.objects.open().filter(memory=allergy).values_list("kind", flat=True))
    assert asked == {"verify", "conflict"}


def test_demo_takes_no_medication_for_an_allergy(nurse: User) -> None:
    demo("--quiet")
    with directing():
        allergies = Memory.objects.filter(category="allergy")
        named = " ".join(allergies.values_list("content", flat=True)).lower()
    assert "sulfa" in named
    assert not {drug for drug in ("insulin", "lantus", "ibuprofen", "eliquis", "tramadol") if drug in named}


def test_demo_leaves_medications_to_review_and_stopped_ones_inactive(nurse: User) -> None:
    demo("--quiet")
    with directing():
        eliquis = Memory.objects.live().get(about="apixaban")
        assert (eliquis.verification_status, eliquis.medication.status) == ("unconfirmed", "active")
        assert ReviewTask.objects.open().filter(memory=eliquis, kind="verify").exists()
        stopped = Memory.objects.live().filter(about__in=["tramadol", "ibuprofen"])
        assert set(stopped.values_list("about", "clinical_status", "medication__status")) == {
            ("tramadol", "inactive", "stopped"),
            ("ibuprofen", "inactive", "stopped"),
        }


@pytest.mark.parametrize(
    ("question", "first"),
    [("Does she take a blood thinner?", "Takes Eliquis"), ("How much insulin does he get?", "Takes Lantus")],
)
def test_demo_finds_the_medication_first(nurse: User, question: str, first: str) -> None:
    _, asked, found = demo().partition(f"Asked: {question}")
    assert asked
    assert first in found.strip().splitlines()[0]


def test_demo_takes_in_every_conversation_once(nurse: User) -> None:
    demo()
    before = stored()
    with directing():
        open_tasks = ReviewTask.objects.open().count()
    demo("--quiet")
    assert stored() == before
    assert len(before[0]) == sum(len(part.scenes) for part in load_cast())
    with directing():
        assert ReviewTask.objects.open().count() == open_tasks


def test_demo_leaves_the_examples_of_the_readme_something_new(nurse: User) -> None:
    demo("--quiet")
    with directing():
        live = Memory.objects.live().filter(patient__external_id="patient_123")
        said = " ".join(live.values_list("content", flat=True)).lower()
    assert not {word for word in ("penicillin", "diabetes", "morning medication") if word in said}


def test_demo_reads_as_the_nurse_and_on_record(nurse: User) -> None:
    demo()
    with directing():
        searches = AccessLog.objects.filter(event=Event.SEARCH)
        assert set(searches.values_list("actor_label", flat=True)) == {"nurse"}
        assert searches.count() == sum(len(part.questions) for part in load_cast())


def test_demo_without_a_nurse_says_what_to_do(db: None) -> None:
    with pytest.raises(CommandError, match="bootstrap"):
        demo()


def test_demo_leaves_another_patient_of_that_id_alone(nurse: User) -> None:
    with directing():
        Patient.objects.create(external_id="patient_456", given_name="Ada", family_name="Other")
    with pytest.raises(CommandError, match="another patient"):
        demo("--quiet")
