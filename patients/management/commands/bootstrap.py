from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandParser

from audit.actors import acting_as, system_actor
from patients.credentials import keep_credentials, new_password, read_credentials
from patients.models import AccessKey, User
from patients.roles import Role

PEOPLE = {"nurse": Role.CLINICIAN, "administrator": Role.ADMINISTRATOR}
KEY_LABEL = "First key of the nurse"


class Command(BaseCommand):
    help = "Make a nurse, an administrator and an access key, where there are none yet, and print how to sign in."

    def add_arguments(self, parser: CommandParser) -> None:
        where = settings.VAR_DIR / "credentials"
        parser.add_argument("--credentials", type=Path, default=where, help=f"where to keep them ({where})")
        parser.add_argument("--renew", action="store_true", help="give both a new password, and the nurse a new key")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["credentials"]
        kept = {} if options["renew"] else read_credentials(path)
        with acting_as(system_actor("bootstrap")):
            people = [person_in(role, username, kept, renew=options["renew"]) for username, role in PEOPLE.items()]
            kept["TOKEN"] = usable_token(people[0], kept.get("TOKEN", ""))
            # Before the commit: with a password that nobody has read, nobody could sign in.
            keep_credentials(path, kept)
            sign_ins = {person.username: password_of(person, kept) for person in people}
        self._print(sign_ins, kept["TOKEN"], path)

    def _print(self, sign_ins: dict[str, str], token: str, path: Path) -> None:
        self.stdout.write("\nSign in as")
        for username, password in sign_ins.items():
            self.stdout.write(f"  {username:<14} {password}")
        self.stdout.write(f"  API token      {token}")
        self.stdout.write(f"Kept in {path}: `. {_short(path)}` gives your shell $TOKEN.\n")


def person_in(role: Role, username: str, kept: dict[str, str], *, renew: bool) -> User:
    """The user of this name; a new one in this role, whose password goes to `kept`, if there is none."""
    person = User.objects.filter(username=username).first()
    if person and not renew:
        return person
    kept[_password_name(username)] = password = new_password()
    if person:
        person.set_password(password)
        person.save()
        return person
    person = User.objects.create_user(username, password=password, is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    return person


def usable_token(user: User, token: str) -> str:
    """The token that is kept, while its key works; else that of a new key. A revoked key stays revoked."""
    if token and AccessKey.objects.usable().for_token(token).filter(user=user).exists():
        return token
    key = AccessKey(user=user, label=KEY_LABEL)
    fresh = key.renew_token()
    key.save()
    return fresh


def password_of(person: User, kept: dict[str, str]) -> str:
    """The password to sign in with, or a sentence when it is not known here."""
    password = kept.get(_password_name(person.username), "")
    known = password and person.check_password(password)
    return password if known else "(not known here; `manage.py bootstrap --renew` sets a new one)"


def _password_name(username: str) -> str:
    return f"{username.upper()}_PASSWORD"


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
