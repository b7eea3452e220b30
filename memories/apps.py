from django.apps import AppConfig


class MemoriesConfig(AppConfig):
    name = "memories"
    verbose_name = "Memories"

    def ready(self) -> None:
        from memories import checks, receivers  # noqa: PLC0415 because models exist only from here on

        checks.register_checks()
        receivers.connect()
