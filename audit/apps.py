from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import pre_save

from audit import checks, receivers


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Record"

    def ready(self) -> None:
        checks.register_checks()
        connection_created.connect(receivers.require_actor, dispatch_uid="audit.require_actor")
        pre_save.connect(
            receivers.name_actor_of_change, sender="auditlog.LogEntry", dispatch_uid="audit.name_actor_of_change"
        )
