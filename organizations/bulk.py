"""Writing many rows at once: COPY on PostgreSQL, executemany on SQLite.

Bulk writes send no signals and check no rules: who writes has checked every row, holds the locks of
a single write (organizations.tenancy.pass_gate, then the facilities by id) and recomputes by the
same functions that signals call.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import islice
from operator import attrgetter
from typing import Any

from django.db import connection, models

BATCH = 5000
FEW = 20
"""So many rows are updated one by one sooner than through a table of their own."""
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Stores rows of the values of some columns, by attname; every column without one is needed.

    Defaults of the model are not applied. Raises IntegrityError as a single write would.
    """
    fields = [_field(model, name) for name in columns]
    table = model._meta.db_table
    if connection.vendor == "postgresql":
        _copy(table, fields, rows)
    else:
        _executemany(
            f"INSERT INTO {_names([table])} ({_names(_columns(fields))})"
            f" VALUES ({', '.join(['%s'] * len(fields))})",
            fields,
            rows,
        )


def update(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence]) -> None:
    """Sets columns of stored rows; the first value of each row is its primary key."""
    fields = [_field(model, name) for name in ("pk", *columns)]
    table, names = _names([model._meta.db_table]), _columns(fields)
    if connection.vendor == "postgresql" and len(rows) > FEW:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.incoming")
            cursor.execute(
                f"CREATE TEMP TABLE incoming ON COMMIT DROP AS"
                f" SELECT {_names(names)} FROM {table} WITH NO DATA"
            )
            _copy("incoming", fields, rows)
            cursor.execute("ANALYZE incoming")
            sets = ", ".join(f"{_names([one])} = incoming.{_names([one])}" for one in names[1:])
            key = _names(names[:1])
            cursor.execute(
                f"UPDATE {table} SET {sets} FROM incoming WHERE {table}.{key} = incoming.{key}"
            )
    else:
        sets = ", ".join(f"{_names([one])} = %s" for one in names[1:])
        _executemany(
            f"UPDATE {table} SET {sets} WHERE {_names(names[:1])} = %s",
            [*fields[1:], fields[0]],
            ((*row[1:], row[0]) for row in rows),
        )


def _copy(table: str, fields: Sequence[models.Field], rows: Iterable[Sequence]) -> None:
    writers = [_text_writer(field) for field in fields]
    statement = f"COPY {_names([table])} ({_names(_columns(fields))}) FROM STDIN"
    stream = iter(rows)
    batch = list(islice(stream, 500))
    if not batch:
        return
    # COPY goes past Django's cursor, and so past what makes psycopg's errors Django's.
    errors = connection.wrap_database_errors
    with connection.cursor() as cursor, errors, cursor.copy(statement) as copy:
        while batch:
            copy.write(
                "".join(
                    "\t".join(
                        [
                            r"\N" if value is None else write(value)
                            for write, value in zip(writers, row, strict=True)
                        ]
                    )
                    + "\n"
                    for row in batch
                )
            )
            batch = list(islice(stream, 500))


def _text_writer(field: models.Field) -> Callable[[Any], str]:
    """How COPY's text format has a value of this column; only text can hold what it escapes."""
    if type(field) in (models.CharField, models.TextField):
        return Escaped().__getitem__
    if type(field) is models.DateField:
        return Iso().__getitem__
    of = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(of, models.UUIDField):
        return attrgetter("hex")
    if not isinstance(field, models.CharField | models.TextField):
        return str
    prepare = field.get_prep_value

    def write(value: Any) -> str:
        return (value if isinstance(value, str) else prepare(value)).translate(ESCAPES)

    return write


class Escaped(dict[str, str]):
    """Text → as COPY has it; most columns repeat a few values."""

    def __missing__(self, value: Any) -> str:
        if len(self) >= BATCH:
            self.clear()
        text = self[value] = str(value).translate(ESCAPES)
        return text


class Iso(dict[date, str]):
    """Day → as COPY has it."""

    def __missing__(self, value: date) -> str:
        if len(self) >= BATCH:
            self.clear()
        text = self[value] = value.isoformat()
        return text


def _executemany(sql: str, fields: Sequence[models.Field], rows: Iterable[Sequence]) -> None:
    prepare = [field.get_db_prep_save for field in fields]
    stream = iter(rows)
    with connection.cursor() as cursor:
        while batch := list(islice(stream, BATCH)):
            cursor.executemany(
                sql,
                [
                    [one(value, connection) for one, value in zip(prepare, row, strict=True)]
                    for row in batch
                ],
            )


def _field(model: type[models.Model], name: str) -> models.Field:
    """The column of an attname, or the primary key's."""
    if name == "pk":
        return model._meta.pk
    return next(field for field in model._meta.concrete_fields if field.attname == name)


def _columns(fields: Iterable[models.Field]) -> list[str]:
    return [str(field.column) for field in fields]


def _names(names: Iterable[str]) -> str:
    return ", ".join(connection.ops.quote_name(name) for name in names)
