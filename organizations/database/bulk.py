"""Writing rows at once: COPY of many on PostgreSQL, executemany on SQLite.

Bulk writes send no signals and check no rules: who writes has checked every row, holds the locks of
a single write (organizations.tenancy.pass_gate, then the facilities by id) and recomputes by the
same functions that signals call. Values are made ready column by column: most columns repeat a few,
and what holds for all values of a column need not be asked of each.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cache, partial
from itertools import chain, islice
from operator import attrgetter
from types import NoneType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction

from organizations.database.statements import prepared_cursor
from organizations.database.tenant import named, owners
from organizations.database.wall import is_bound, is_on_shards

BATCH = 2000
"""Rows that are turned into columns together."""

BLOCK = 500
"""Rows that are handed to the connection together: about as much as a socket takes."""

ANALYZE_FROM = 10_000
FEW = 20
"""So many rows are written by a plain statement, whose plan is kept, sooner than by COPY."""

REPEATED = 4
"""A column whose objects come so many times each is made ready object by object, not row by row."""

ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
ESCAPED = "\\\t\n\r"

INCOMING, ARRIVING = "incoming", "arriving"
"""The session's own tables: of new values of columns, and of new rows."""

Columns = Sequence[Sequence[Any]]
Fields = tuple[models.Field, ...]


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Stores rows of the values of some columns, by attname; every column without one is needed.

    Defaults of the model are not applied. Raises IntegrityError as a single write would.
    """
    _insert(model, _fields(model, *columns), _together(rows))


def insert_together(
    *tables: tuple[type[models.Model], Sequence[str], Sequence[Sequence]],
) -> None:
    """Stores rows of several tables; a few of each are one statement on PostgreSQL."""
    few = all(len(rows) <= FEW for _, _, rows in tables)
    if not few or connection.vendor != "postgresql":
        for model, columns, rows in tables:
            insert(model, columns, rows)
        return
    statements: list[str] = []
    params: list[Any] = []
    for model, columns, rows in tables:
        if rows:
            sql, values = _plain(model, _fields(model, *columns), list(zip(*rows, strict=True)))
            statements.append(sql)
            params += values
    if statements:
        *before, last = statements
        together = ", ".join(f"one{number} AS ({sql})" for number, sql in enumerate(before))
        with prepared_cursor() as cursor:
            cursor.execute(f"WITH {together} {last}" if before else last, params)


def insertion(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]]
) -> Callable[[], None]:
    """What stores rows that are there as columns, all of one length; ids may be given as hex.

    Everything but the writing is done now: a thread that writes is to wait for the server alone.
    """
    fields = _fields(model, *columns)
    values = list(columns.values())
    if not any(values):
        return lambda: None
    if connection.vendor == "postgresql":
        return partial(_send, model._meta.db_table, fields, list(_blocks(fields, values)))
    return partial(_insert, model, fields, [values])


def update(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence]) -> None:
    """Sets columns of stored rows; the first value of each row is its primary key.

    The rows are those of the organization that statements are about, where they are about one.
    """
    fields = _fields(model, "pk", *columns)
    table, names = _names([model._meta.db_table]), _columns(fields)
    theirs = named() if connection.vendor == "postgresql" and len(named()) == 1 else ()
    of = [owners()[model._meta.db_table]] if theirs else []
    whose = "".join(f" AND {table}.{_names([str(one.column)])} = %s" for one in of)
    if connection.vendor == "postgresql" and len(rows) > FEW:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{INCOMING}")
            cursor.execute(
                f"CREATE TEMP TABLE {INCOMING} ON COMMIT DROP AS"
                f" SELECT {_names(names)} FROM {table} WITH NO DATA"
            )
            _copy(INCOMING, fields, _together(rows))
            cursor.execute(f"ANALYZE {INCOMING}")
            sets = ", ".join(f"{_names([one])} = incoming.{_names([one])}" for one in names[1:])
            key = _names(names[:1])
            cursor.execute(
                f"UPDATE {table} SET {sets} FROM incoming"
                f" WHERE {table}.{key} = incoming.{key}{whose}",
                theirs,
            )
        return
    sets = ", ".join(f"{_names([one])} = %s" for one in names[1:])
    sql = f"UPDATE {table} SET {sets} WHERE {_names(names[:1])} = %s{whose}"
    fields = (*fields[1:], fields[0], *of)
    batches = _together((*row[1:], row[0], *theirs) for row in rows)
    if len(rows) > FEW:
        _executemany(sql, fields, batches)
        return
    with prepared_cursor() as cursor:
        for batch in batches:
            for row in _rows(fields, batch):
                cursor.execute(sql, row)


def analyze(rows: int, *written: type[models.Model]) -> None:
    """PostgreSQL: after so many new or changed rows, lets the planner know of them before anything
    is asked about them; what it thinks of an empty table makes plans that never end."""
    if rows >= ANALYZE_FROM and connection.vendor == "postgresql":
        tables = _names(model._meta.db_table for model in written)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {tables}")


def analyze_new(model: type[models.Model]) -> None:
    """PostgreSQL: tells the planner what it does not know of a table that was empty until now.

    References to it are checked by queries whose plan the session keeps. One that is made without
    statistics may read all rows of the organization for each reference: 25 s for what takes one.
    """
    if connection.vendor == "postgresql":
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
            if cursor.fetchone()[0] < ANALYZE_FROM:
                cursor.execute(f"ANALYZE {_names([table])}")


def _insert(model: type[models.Model], fields: Fields, batches: Iterable[Columns]) -> None:
    stream = iter(batches)
    first = next(stream, None)
    if first is None:
        return
    if len(first[0]) <= FEW:
        with prepared_cursor() as cursor:
            cursor.execute(*_plain(model, fields, first))
    elif connection.vendor == "postgresql":
        _copy(model._meta.db_table, fields, chain([first], stream))
    else:
        into, one = _into(model, fields)
        _executemany(into + one, fields, chain([first], stream))


def _plain(model: type[models.Model], fields: Fields, columns: Columns) -> tuple[str, list[Any]]:
    """A statement that inserts rows, and its parameters."""
    into, one = _into(model, fields)
    rows = list(_rows(fields, columns))
    return into + ", ".join([one] * len(rows)), list(chain.from_iterable(rows))


@cache
def _into(model: type[models.Model], fields: Fields) -> tuple[str, str]:
    """How a statement that inserts begins, and the place of a row in it."""
    into = f"INSERT INTO {_names([model._meta.db_table])} ({_names(_columns(fields))}) VALUES "
    return into, f"({', '.join(['%s'] * len(fields))})"


def _together(rows: Iterable[Sequence]) -> Iterator[Columns]:
    """Rows as columns, BATCH of them at once."""
    stream = iter(rows)
    while batch := list(islice(stream, BATCH)):
        yield list(zip(*batch, strict=True))


def _copy(table: str, fields: Fields, batches: Iterable[Columns]) -> None:
    _send(table, fields, (block for columns in batches for block in _blocks(fields, columns)))


def _blocks(fields: Fields, columns: Columns) -> Iterator[str]:
    """Columns as lines of COPY's text format."""
    texts = [_texts(field, values) for field, values in zip(fields, columns, strict=True)]
    lines = map("\t".join, zip(*texts, strict=True))
    while block := list(islice(lines, BLOCK)):
        yield "\n".join([*block, ""])


def _send(table: str, fields: Fields, blocks: Iterable[str]) -> None:
    """COPY goes past Django's cursor, and so past what makes psycopg's errors Django's.

    PostgreSQL refuses COPY into a table with row-level security to the roles that this binds; their
    rows come by a table of the session's own. Citus would send them on by COPY, but for a statement
    that gives something back.
    """
    stream = iter(blocks)
    first = next(stream, None)
    if first is None:
        return
    into, columns = _names([table]), _names(_columns(fields))
    staged = table != INCOMING and is_bound()
    target = ARRIVING if staged else into
    together = transaction.atomic(savepoint=False) if staged else nullcontext()
    with together, connection.cursor() as cursor:
        if staged:
            cursor.execute(
                f"CREATE TEMP TABLE {ARRIVING} ON COMMIT DROP AS"
                f" SELECT {columns} FROM {into} WITH NO DATA"
            )
        statement = f"COPY {target} ({columns}) FROM STDIN"
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            copy.write(first)
            for block in stream:
                copy.write(block)
        if staged:
            back = " RETURNING 1" if is_on_shards() else ""
            cursor.execute(f"INSERT INTO {into} ({columns}) SELECT {columns} FROM {ARRIVING}{back}")
            cursor.execute(f"DROP TABLE {ARRIVING}")


def _texts(field: models.Field, values: Sequence[Any]) -> Sequence[str]:
    """The values of a column as COPY's text format has them."""
    kinds = set(map(type, values))
    if NoneType in kinds:
        texts = iter(_texts(field, [one for one in values if one is not None]))
        return [r"\N" if one is None else next(texts) for one in values]
    of = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(of, models.UUIDField):
        return values if kinds == {str} else _each(attrgetter("hex"), values)
    if isinstance(of, models.BinaryField):
        return [rf"\\x{one.hex()}" for one in values]
    if not isinstance(of, models.CharField | models.TextField):  # what is left needs no escapes
        return _each(str, values)
    if type(of) not in (models.CharField, models.TextField):
        prepare = of.get_prep_value
        values = _each(lambda one: one if isinstance(one, str) else prepare(one), values)
    elif kinds != {str}:
        values = list(map(str, values))
    together = "".join(values)
    if not any(one in together for one in ESCAPED):
        return values
    return [one.translate(ESCAPES) for one in values]


def _executemany(sql: str, fields: Fields, batches: Iterable[Columns]) -> None:
    with connection.cursor() as cursor:
        for batch in batches:
            cursor.executemany(sql, list(_rows(fields, batch)))


def _rows(fields: Fields, columns: Columns) -> Iterator[Sequence[Any]]:
    """Columns as rows of what the database's driver takes."""
    ready = [_ready(field, values) for field, values in zip(fields, columns, strict=True)]
    return zip(*ready, strict=True)


def _ready(field: models.Field, values: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as the database's driver takes them."""
    to = connections[DEFAULT_DB_ALIAS]  # `connection` looks for it whenever it is asked something
    if len(values) <= FEW:
        return [field.get_db_prep_save(one, to) for one in values]
    return _each(lambda one: field.get_db_prep_save(one, to), values)


def _each(convert: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """What becomes of each value; of an object that comes again and again, once."""
    ids = list(map(id, values))
    objects = dict(zip(ids, values, strict=True))
    if len(objects) * REPEATED > len(values):
        return list(map(convert, values))
    converted = {key: convert(one) for key, one in objects.items()}
    return list(map(converted.__getitem__, ids))


@cache
def _fields(model: type[models.Model], *names: str) -> Fields:
    """The columns of attnames; of `pk`, the primary key's."""
    known = {field.attname: field for field in model._meta.concrete_fields}
    return tuple(model._meta.pk if name == "pk" else known[name] for name in names)


def _columns(fields: Iterable[models.Field]) -> list[str]:
    return [str(field.column) for field in fields]


def _names(names: Iterable[str]) -> str:
    return ", ".join(connection.ops.quote_name(name) for name in names)
