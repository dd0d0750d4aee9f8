"""Finding a text whatever its accents, its case and its Unicode form: `cadiz` finds `Cádiz`.

`folded` is one rule in two places: here, for what is looked for and as a function of SQLite, and as
a function of PostgreSQL (made by a migration of facilities), where an index is built on it.
"""

import re
import unicodedata
from typing import Any

from django.db import models
from django.db.backends.signals import connection_created

ACCENTS = re.compile("[\u0300-\u036f]")
LETTERS = {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ς": "σ"}
PAIRS = {"ß": "ss", "æ": "ae", "œ": "oe"}
"""Letters that Unicode does not take apart."""

FUNCTION = """
CREATE FUNCTION folded(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(replace(
    translate(lower(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g')),
        'łøđħıς', 'lodhiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
"""
"""PostgreSQL's `folded`; `lower` takes the database's own locale for what is beyond ASCII."""

FOLDING = str.maketrans({**LETTERS, **PAIRS})


def folded(text: str | None) -> str | None:
    """Lower case, compatibility forms taken apart, without accents; null stays null."""
    if text is None or text.isascii():
        return text and text.lower()
    plain = ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return plain.lower().translate(FOLDING)


class Mentions(models.Lookup):
    """`mentions`: contains the text, whatever the accents, the case and the Unicode form."""

    lookup_name = "mentions"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        text = re.sub(r"([\\%_])", r"\\\1", folded(str(self.rhs)) or "")
        escape = "" if connection.vendor == "postgresql" else " ESCAPE '\\'"
        return f"folded({column}) LIKE %s{escape}", [*params, f"%{text}%"]


def add_function(connection: Any, **kwargs: Any) -> None:
    """SQLite gets the function with each connection."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("folded", 1, folded, deterministic=True)


def register() -> None:
    models.CharField.register_lookup(Mentions)
    connection_created.connect(add_function)
