from django.apps import AppConfig

from patients import checks


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = "Patients and people"

    def ready(self) -> None:
        from patients.receivers import connect  # noqa: PLC0415 because models exist only from here on

        connect()
        checks.register_checks()
