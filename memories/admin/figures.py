"""The numbers of the first page, day by day, of the patients whom the asker may see."""

from collections import Counter
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from audit.actors import Actor
from audit.models import AccessLog, Outcome
from memories.admin.charts import Chart, bars, columns, line
from memories.choices import Category
from memories.models import Memory, ReviewTask, TaskState
from patients.models import Patient
from patients.roles import Role

DAYS = 14


def queue_over_time(actor: Actor) -> Chart:
    """How many questions were open at the end of each day: those open now, reckoned backwards."""
    days, tasks = _last_days(), ReviewTask.objects.visible_to(actor)
    closed = tasks.exclude(state=TaskState.OPEN).annotate(closed_at=Coalesce("decided_at", "obsolete_at"))
    asked_on, closed_on = _by_day(tasks, "created_at"), _by_day(closed, "closed_at")
    open_then, counts = tasks.open().count(), []
    for day in reversed(days):
        counts.append(open_then)
        open_then += closed_on[day] - asked_on[day]
    return line("Open questions", days, counts[::-1], empty="No question was open in the last two weeks.")


def memories_by_category(actor: Actor) -> Chart:
    counted = dict(Memory.objects.visible_to(actor).live().order_by().values_list("category").annotate(Count("pk")))
    named = {category.label: counted.get(category, 0) for category in Category}
    return bars("What is remembered", named, empty="Nothing is remembered yet of the patients in your care.")


def accesses_by_day(actor: Actor) -> Chart:
    """Who looked at what: a clinician reads it of own patients, a privacy officer of all, with what was refused."""
    sees_all = actor.has_role(Role.PRIVACY_OFFICER)
    told = AccessLog.objects.all() if sees_all else AccessLog.objects.filter(patient_id__in=_patients_of(actor))
    apart = Q(outcome=Outcome.REFUSED) if sees_all else ~Q(actor_id=actor.id)
    names = ("allowed", "refused") if sees_all else ("by you", "by others")
    days = _last_days()
    first, second = (_by_day(rows, "recorded_at") for rows in (told.exclude(apart), told.filter(apart)))
    series = {names[0]: [first[day] for day in days], names[1]: [second[day] for day in days]}
    title = "Accesses" if sees_all else "Accesses to your patients"
    return columns(title, days, series, empty="Nothing was looked at in the last two weeks.")


def _last_days() -> list[date]:
    today = timezone.localdate()
    return [today - timedelta(days=ago) for ago in reversed(range(DAYS))]


def _by_day(rows: QuerySet, moment: str) -> Counter[date]:
    start = timezone.make_aware(datetime.combine(_last_days()[0], time.min))
    counted = rows.filter(**{f"{moment}__gte": start}).order_by().values_list(TruncDate(moment)).annotate(Count("pk"))
    return Counter(dict(counted))


def _patients_of(actor: Actor) -> QuerySet[Patient, object]:
    return Patient.objects.visible_to(actor).values("pk")
