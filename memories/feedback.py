"""What the users of a program say about a memory. It changes nothing by itself: it asks staff to look again."""

from audit.models import Event
from audit.recording import record
from memories.choices import VerificationStatus
from memories.models import Memory, MemoryFeedback, ReviewSeverity, ReviewTask, TaskKind, Verdict
from memories.remembering import lock_patient
from patients.models import User

DOUBTED = "A user of a program said that this is wrong."


def give_feedback(memory: Memory, *, by: User, verdict: Verdict | None, reason: str = "") -> MemoryFeedback:
    """Keep one user's verdict on a memory, instead of an earlier one; None takes it back.

    A bad one of a live memory opens a question for staff.
    """
    lock_patient(memory.patient_id)
    feedback = MemoryFeedback.objects.filter(memory=memory, given_by=by).first()
    feedback = feedback or MemoryFeedback(patient_id=memory.patient_id, memory=memory, given_by=by)
    feedback.verdict, feedback.reason = verdict or "", reason
    feedback.save()
    if verdict in (Verdict.NEGATIVE, Verdict.VERY_NEGATIVE) and memory.is_live:
        _ask_about(memory)
    record(Event.UPDATE, patient_id=memory.patient_id, objects=[feedback.pk], resource=MemoryFeedback)
    return feedback


def _ask_about(memory: Memory) -> None:
    is_open = memory.verification_status == VerificationStatus.UNCONFIRMED
    kind = TaskKind.VERIFY if is_open else TaskKind.CONFLICT
    task = ReviewTask.objects.ask(kind, memory, DOUBTED, ReviewSeverity.MEDIUM)
    if not task.explanation:
        task.say_again(DOUBTED, ReviewSeverity(task.severity), task.evidence)
