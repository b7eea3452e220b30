"""What a privacy officer is told at once, by mail: who did something unusual, and never a word about a patient."""

from django.conf import settings

from patients.tasks import mail_privacy_officers


def alert_privacy_officers(sentence: str) -> None:
    """Queue a mail to every privacy officer in the running transaction. Without a mail server, the pages alone tell."""
    if settings.EMAIL_HOST:
        mail_privacy_officers.defer(sentence=sentence)
