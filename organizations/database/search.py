"""Finding a text whatever its accents, its case and its Unicode form: `cadiz` finds `Cádiz`.

`folded` is one rule in two places: here, for what is looked for and as a function of SQLite, and as
a function of PostgreSQL (made by a migration of facilities), which keeps what a model names in
`FOLDED` in a column of its own, with an index.
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
        if connection.vendor == "postgresql" and (kept := kept_folded(self.lhs)):
            quote = compiler.quote_name_unless_alias
            folded_column = f"{quote(self.lhs.alias)}.{quote(kept)}"
        else:
            folded_column = f"folded({column})"
        text = re.sub(r"([\\%_])", r"\\\1", folded(str(self.rhs)) or "")
        escape = "" if connection.vendor == "postgresql" else " ESCAPE '\\'"
        return f"{folded_column} LIKE %s{escape}", [*params, f"%{text}%"]


def kept_folded(column: Any) -> str | None:
    """The column in which PostgreSQL keeps a model's column folded, if it does."""
    target = getattr(column, "target", None)
    kept: dict[str, str] = getattr(getattr(target, "model", None), "FOLDED", {})
    return kept.get(target.name) if target is not None else None


def add_function(connection: Any, **kwargs: Any) -> None:
    """SQLite gets the function with each connection."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("folded", 1, folded, deterministic=True)


def register() -> None:
    models.CharField.register_lookup(Mentions)
    connection_created.connect(add_function)
