"""Recalculations that were queued before `emissions.runs` moved to `emissions.ledger.runs`."""

from typing import Any

from django.db import migrations

OLD, NEW = "emissions.runs.work_off", "emissions.ledger.runs.work_off"


def rename(old: str, new: str) -> Any:
    def run(apps: Any, schema_editor: Any) -> None:
        tasks = apps.get_model("django_tasks_database", "DBTaskResult").objects
        tasks.using(schema_editor.connection.alias).filter(task_path=old).update(task_path=new)

    return run


class Migration(migrations.Migration):
    dependencies = [
        ("django_tasks_database", "0001_initial"),
        ("emissions", "0009_gwp_set_labels"),
    ]

    operations = [migrations.RunPython(rename(OLD, NEW), rename(NEW, OLD))]
