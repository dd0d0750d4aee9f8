"""Which table goes where.

*Distributed*: a row is on the server that has its organization's shard, with all its other rows.
*On every node* (Citus calls it a reference table): the whole table is on each server, because it is
asked before it is known for which organization, or joined to everybody's rows; its model says why,
in `ON_EVERY_NODE`. All other tables stay on the coordinator: sessions, tasks, limits.
"""

from typing import Any, NamedTuple

from django.apps import apps

from organizations.database.tenant import owners, shared


class Table(NamedTuple):
    """A table that a Citus cluster has on more than the coordinator."""

    name: str
    key: str
    """Its primary key in Django's eyes."""

    owner: str
    """The column that says whose a row is; empty where rows are nobody's."""

    shared: bool
    """Whether rows of nobody are everybody's."""

    on_every_node: bool
    guarded: bool
    """Whether its rows are written once (organizations.database.guards)."""

    closed_by: str


def tables() -> list[Table]:
    """Those on every node first."""
    found = []
    for model in apps.get_models():
        about: Any = getattr(model, "instance_type", model)  # of a history, what it is of
        reason = getattr(about, "ON_EVERY_NODE", "")
        field = owners().get(model._meta.db_table)
        if reason or field is not None:
            found.append(
                Table(
                    model._meta.db_table,
                    str(model._meta.pk.column),
                    str(field.column) if field is not None else "",
                    field is not None and shared(field),
                    bool(reason),
                    hasattr(model, "CLOSED_BY"),
                    getattr(model, "CLOSED_BY", ""),
                )
            )
    return sorted(found, key=lambda one: (not one.on_every_node, one.name))
