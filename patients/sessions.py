"""Django's database sessions, with every access inside `acting_as`. `SESSION_ENGINE` names this module."""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

from audit.actors import acting_as, system_actor

SESSIONS = system_actor("sessions")


class SessionStore(DatabaseSessionStore):
    def load(self) -> dict[str, Any]:
        with acting_as(SESSIONS):
            return super().load()

    def exists(self, session_key: str) -> bool:
        with acting_as(SESSIONS):
            return super().exists(session_key)

    def save(self, must_create: bool = False) -> None:
        with acting_as(SESSIONS):
            super().save(must_create)

    def delete(self, session_key: str | None = None) -> None:
        with acting_as(SESSIONS):
            super().delete(session_key)

    @classmethod
    def clear_expired(cls) -> None:
        with acting_as(SESSIONS):
            super().clear_expired()
