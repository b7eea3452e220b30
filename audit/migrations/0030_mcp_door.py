"""A further door: agents that speak the Model Context Protocol."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_guarantees"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accesslog",
            name="door",
            field=models.CharField(
                choices=[("api", "API"), ("admin", "Admin"), ("command", "Command"), ("job", "Job"), ("mcp", "MCP")],
                max_length=10,
            ),
        ),
    ]
