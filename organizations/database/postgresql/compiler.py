"""SQL in which every table of organizations' rows says whose (see organizations.database.tenant).

What is asked first is held to the organizations that statements are for; what is joined to it, to
the organization of the row that it is joined to. Nothing is added where a query says it itself.
"""

from typing import Any

from django.db.backends.postgresql import compiler
from django.db.models import sql
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In, IsNull
from django.db.models.sql.datastructures import Join
from django.db.models.sql.where import AND, OR, WhereNode

from organizations.database.tenant import named, owners, shared

Base: Any = compiler.SQLCompiler  # of which the stubs know little
Insertion: Any = sql.compiler.SQLInsertCompiler
Deletion: Any = compiler.SQLDeleteCompiler
Update: Any = compiler.SQLUpdateCompiler
Aggregate: Any = compiler.SQLAggregateCompiler


def says_whose(node: Any, alias: str, column: str) -> bool:
    """Whether a part of a condition that must hold names organizations for a table."""
    if isinstance(node, WhereNode):
        every = any if node.connector == AND else all
        return not node.negated and every(says_whose(one, alias, column) for one in node.children)
    if not isinstance(node, Exact | In | IsNull) or node.rhs is False:
        return False
    asked = node.lhs
    return isinstance(asked, Col) and (asked.alias, asked.target.column) == (alias, column)


class SQLCompiler(Base):
    """Names the organizations in queries."""

    where: WhereNode | None

    def pre_sql_setup(self, *args: Any, **kwargs: Any) -> Any:
        found = super().pre_sql_setup(*args, **kwargs)
        if self.query.alias_map and not self.query.combinator:
            self.where = named_in(self.query, self.where or WhereNode())
        return found

    def get_from_clause(self) -> Any:
        clauses, params = super().get_from_clause()
        tables, counts = self.query.alias_map, self.query.alias_refcount
        used = [table for alias, table in tables.items() if counts[alias]]
        return [*map(self._joined, clauses, used), *clauses[len(used) :]], params

    def _joined(self, clause: str, join: Any) -> str:
        """What joins a table, with the organization of the row that it is joined to."""
        if not isinstance(join, Join):
            return clause
        field = owners().get(join.table_name)
        parent = self.query.alias_map.get(join.parent_alias)
        theirs = parent and owners().get(parent.table_name)
        if field is None or theirs is None or shared(field) or shared(theirs):
            return clause
        mine, its = (
            f"{self.quote_name_unless_alias(alias)}.{self.connection.ops.quote_name(one.column)}"
            for alias, one in ((join.table_alias, field), (join.parent_alias, theirs))
        )
        condition = f"{mine} = {its}"
        already = condition in clause or f"{its} = {mine}" in clause
        return clause if already else f"{clause.removesuffix(')')} AND {condition})"


def named_in(query: Any, where: WhereNode) -> WhereNode:
    """A condition of a query that names the organizations whose rows it is about."""
    organizations = named()
    base = next((one for one in query.alias_map if query.alias_refcount[one]), None)
    if not organizations or base is None:
        return where
    field = owners().get(query.alias_map[base].table_name)
    if field is None or says_whose(where, base, str(field.column)):
        return where
    column = field.get_col(base)
    whose = lookup(field, "exact", column, organizations[0])
    if len(organizations) > 1:
        whose = lookup(field, "in", column, organizations)
    if shared(field):
        whose = WhereNode([whose, lookup(field, "isnull", column, True)], OR)
    return WhereNode([*([where] if where else []), whose])


def lookup(field: Any, name: str, column: Any, value: Any) -> Any:
    return field.get_lookup(name)(column, value)


class SQLInsertCompiler(Insertion, SQLCompiler):
    """Some rows as VALUES, not as a query of arrays: of that Citus makes a COPY, which row-level
    security refuses."""


class SQLDeleteCompiler(Deletion, SQLCompiler):
    def _as_sql(self, query: Any) -> Any:
        query.get_initial_alias()
        query.where = named_in(query, query.where)
        return super()._as_sql(query)


class SQLUpdateCompiler(Update, SQLCompiler):
    def pre_sql_setup(self) -> None:
        super().pre_sql_setup()
        self.query.where = named_in(self.query, self.query.where)


class SQLAggregateCompiler(Aggregate, SQLCompiler):
    """Adds up what another query finds, which is the one that names."""
