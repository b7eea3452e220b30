"""Jobs about people. None holds a word about a patient."""

from django.conf import settings
from django.core.mail import send_mail
from django.db import close_old_connections
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from audit.actors import Door, acting_as, system_actor
from patients.models import User
from patients.roles import Role

ALERTS = system_actor("alerts", door=Door.JOB)
SUBJECT = "Homecare Memory: please look at this"


@app.task(name="patients.mail_privacy_officers", retry=RetryStrategy(max_attempts=6, exponential_wait=3))
def mail_privacy_officers(*, sentence: str) -> None:
    close_old_connections()
    try:
        mail_each_officer(sentence)
    finally:
        close_old_connections()


def mail_each_officer(sentence: str) -> None:
    """One by one: nobody sees the others' addresses."""
    with acting_as(ALERTS):
        officers = User.objects.filter(groups__name=Role.PRIVACY_OFFICER, is_active=True).exclude(email="")
        addresses = list(officers.values_list("email", flat=True))
    for address in addresses:
        send_mail(SUBJECT, sentence, settings.DEFAULT_FROM_EMAIL, [address])
