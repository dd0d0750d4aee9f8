"""What an operator is told whose command the database cannot serve as it is."""

import pytest
from django.db import DatabaseError
from psycopg.errors import InsufficientPrivilege, UndefinedColumn, UndefinedTable

from organizations.database.unavailable import refused


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UndefinedColumn('column "rank" does not exist\nLINE 1'), '(column "rank" does not exist)'),
        (UndefinedTable('relation "x" does not exist'), "migrate first"),
        (InsufficientPrivilege("permission denied for schema public"), "role in DATABASE_URL"),
        (InsufficientPrivilege("new row violates row-level security policy"), "None"),
        (DatabaseError("anything else"), "None"),
    ],
)
def test_what_else_an_operator_can_mend_is_said_in_one_line(error: Exception, said: str) -> None:
    wrapped = DatabaseError("Django's")
    wrapped.__cause__ = error
    assert said in str(refused(wrapped))
