"""Care teams, whose members see its patients while both belong to it; keys can be limited to them."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0003_access_log_readers"),
    ]

    operations = [
        migrations.CreateModel(
            name="CareTeam",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="Of people and places, not of a patient.", max_length=100, unique=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.AlterField(
            model_name="accesskey",
            name="all_patients",
            field=models.BooleanField(
                default=True,
                help_text="All patients of the user, or only those named here and those of the teams named here.",
            ),
        ),
        migrations.AddField(
            model_name="accesskey",
            name="teams",
            field=models.ManyToManyField(blank=True, related_name="access_keys", to="patients.careteam"),
        ),
        migrations.CreateModel(
            name="TeamMember",
            fields=[
                ("starts_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="members", to="patients.careteam"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="team_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__isnull", True), ("ends_at__gt", models.F("starts_at")), _connector="OR"
                        ),
                        name="patients_teammember_valid_period",
                        violation_error_message="It ends before it starts.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ends_at__isnull", True)),
                        fields=("user", "team"),
                        name="patients_teammember_once",
                        violation_error_message="This person belongs to this team already.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TeamPatient",
            fields=[
                ("starts_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="care_teams", to="patients.patient"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cared_for", to="patients.careteam"
                    ),
                ),
            ],
            options={
                "verbose_name": "patient of the team",
                "verbose_name_plural": "patients of the team",
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__isnull", True), ("ends_at__gt", models.F("starts_at")), _connector="OR"
                        ),
                        name="patients_teampatient_valid_period",
                        violation_error_message="It ends before it starts.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ends_at__isnull", True)),
                        fields=("team", "patient"),
                        name="patients_teampatient_once",
                        violation_error_message="This team cares for this patient already.",
                    ),
                ],
            },
        ),
    ]
