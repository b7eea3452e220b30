"""No change of what is known of a patient without an entry of the log, whichever way it is written."""

from django.db import migrations

from audit.database import access_on_record, on_record


class Migration(migrations.Migration):
    dependencies = [("memories", "0044_chats"), ("audit", "0010_on_record")]

    operations = [
        on_record("memories_memory", model="memories.memory", ignoring="updated_at,fact_key"),
        on_record("memories_allergydetail", model="memories.allergydetail", key="memory_id"),
        on_record("memories_medicationdetail", model="memories.medicationdetail", key="memory_id"),
        on_record("memories_memorylink", model="memories.memorylink"),
        on_record("memories_reviewtask", model="memories.reviewtask"),
        on_record("memories_memoryfeedback", model="memories.memoryfeedback"),
        access_on_record("memories_conversation"),
        access_on_record("memories_turn"),
        access_on_record("memories_mention"),
    ]
