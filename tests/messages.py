"""Rebuilds the catalogue of the admin's texts: `make messages`.

It reads the sources as Django's `makemessages` does, with Babel in the place of GNU gettext, which
not every machine has. Besides marked texts it takes the names of models, columns, choices and help
texts (see organizations.staff.model_names), and those of django-unfold, which has no Spanish. What
Django itself translates is left out. Translations that are there stay; a new text has none until
somebody writes it into the `.po`, and a text that is used no more goes.
"""

import ast
import builtins
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "config" / "locale" / "es" / "LC_MESSAGES"
PO, MO = FOLDER / "django.po", FOLDER / "django.mo"
APPS = ("config", "emissions", "facilities", "organizations")
MARKS = ("gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "_")

SAID_ELSEWHERE = (
    *("command", "export", "release", "progress", "rejects", "serializers", "views"),
    *("import_views", "filters", "shipped", "single", "options"),
)
"""Modules of imports whose sentences no page shows, or which mark them."""

SAID_BY_FIELDS = ("emissions/calculation/spellings.py", "organizations/rest/fields.py")
"""Modules beside those of imports whose sentences imports say too."""

SENTENCE = re.compile("[.?][)]?$|[.][{ ]|“")
REFUSAL = "refusal"
"""The context of organizations.staff.said."""

ONCE = datetime(2026, 1, 1, tzinfo=UTC)
"""In place of the hour, so that the same texts are the same file."""

SAID_OTHERWISE = (
    "The {name} “{obj}” was added successfully.",
    "The {name} “{obj}” was added successfully. You may add another {name} below.",
    "The {name} “{obj}” was changed successfully.",
    "The {name} “{obj}” was changed successfully. You may edit it again below.",
    "The {name} “{obj}” was changed successfully. You may add another {name} below.",
    "The %(name)s “%(obj)s” was deleted successfully.",
    'Are you sure you want to delete the %(object_name)s "%(escaped_object)s"? All of the '
    "following related items will be deleted:",
    "Yes, I’m sure",
    "No, take me back",
    "Add another %(verbose_name)s",
    "Save and add another",
)
"""Django's own texts whose Spanish makes every noun masculine (“El instalación”) or is mistaken."""

Message = tuple[str | tuple[str, ...], str | None, str]
"""The text, or the singular and the plural; its context; where it is."""


def in_sources(folder: Path, name: str) -> Iterator[Message]:
    """The marked texts of a folder's Python files and templates."""
    from django.utils.translation.template import templatize

    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".py", ".html", ".txt") or "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            if "templates" not in path.parts:
                continue
            text = "\n".join(line.strip() for line in templatize(text).split("\n"))
        where = f"{name}/{path.relative_to(folder).as_posix()}"
        marks: Any = [*MARKS, "npgettext"]
        found = extract_python(BytesIO(text.encode()), marks, [], {})
        for _, function, words, _ in found:
            yield from read(function, words, where)


def read(function: Any, words: Any, where: str) -> Iterator[Message]:
    given = list(words) if isinstance(words, tuple) else [words]
    context = None
    if function in ("pgettext", "npgettext"):
        context, *given = given
    texts = [one for one in given if isinstance(one, str)]
    plural = function in ("ngettext", "ngettext_lazy", "npgettext")
    if texts and texts[0]:
        yield (tuple(texts[:2]) if plural else texts[0]), context, where


def in_refusals() -> Iterator[Message]:
    """What imports say of a file, which organizations.staff.said looks up: their sentences, with
    the names of what is filled in."""
    paths = [ROOT / name for name in SAID_BY_FIELDS]
    for app in APPS[1:]:
        found = sorted((ROOT / app / "importing").rglob("*.py"))
        paths += [path for path in found if path.stem not in SAID_ELSEWHERE]
    for path in paths:
        for text in sentences(ast.parse(path.read_text(encoding="utf-8"))):
            yield text, REFUSAL, path.relative_to(ROOT).as_posix()


def sentences(tree: ast.AST) -> Iterator[str]:
    """The sentences in some source, but for its docstrings and what is marked."""
    if isinstance(tree, ast.Call) and getattr(tree.func, "id", "") in MARKS:
        return
    if isinstance(tree, ast.Call) and getattr(tree.func, "id", "") == "Several":
        yield ast.literal_eval(tree.args[1])  # why a unit may be several, inside a sentence
        return
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    if isinstance(tree, ast.JoinedStr) or (
        isinstance(tree, ast.Constant) and isinstance(tree.value, str)
    ):
        text = as_template(tree).strip()
        if text.count(" ") > 1 and "\\" not in text and SENTENCE.search(text):
            yield text
        return
    for one in ast.iter_child_nodes(tree):
        yield from sentences(one)


def as_template(tree: Any) -> str:
    """“Line {earlier} is …”, each place by a name in it."""
    if isinstance(tree, ast.Constant):
        return str(tree.value)
    text, taken = "", set[str]()
    for part in tree.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        found = [one for one in ast.walk(part.value) if isinstance(one, ast.Name)]
        names = [one.id for one in found if one.id not in dir(builtins)]
        name = next((one for one in names if one != "self"), "value").lower()
        while name in taken:
            name += "_"
        taken.add(name)
        text += f"{{{name}}}"
    return text


def in_models() -> Iterator[Message]:
    """What the models that pages show, and their columns, are called."""
    from django.contrib import admin

    from facilities.models import Meter, SupplyPoint
    from organizations.staff.model_names import texts_of

    models: list[Any] = [*admin.site._registry, SupplyPoint, Meter]
    for model in models:
        for text in texts_of(model):
            yield text, None, f"{model._meta.app_label}/models"


def of_libraries() -> Iterator[Message]:
    """What django-unfold marks, in the parts of it that are in use; it has no Spanish."""
    import unfold

    folder = Path(str(unfold.__file__)).parent
    for text, context, where in in_sources(folder, "unfold"):
        if "contrib" not in where or "contrib/filters" in where:
            yield text, context, where


def template() -> Catalog:
    """Every text that pages may show and that Django has no Spanish for, without translations."""
    known = of_django()
    catalog = Catalog(
        locale="es", project="Facilities API", version="1", charset="utf-8",
        copyright_holder="Facilities API", fuzzy=False,
    )  # fmt: skip
    for text, context, where in [*of_ours(), *in_refusals(), *in_models(), *of_libraries()]:
        first = text if isinstance(text, str) else text[0]
        if (first, context) not in known:
            catalog.add(text, context=context, locations=[(where, 1)])
    for text in SAID_OTHERWISE:
        catalog.add(text, locations=[("django", 1)])
    return catalog


def of_ours() -> Iterator[Message]:
    for app in APPS:
        yield from in_sources(ROOT / app, app)


def of_django() -> set[tuple[str, str | None]]:
    """The texts that Django's own catalogues have in Spanish."""
    known = set()
    for folder in ("conf", "contrib/admin", "contrib/auth", "contrib/contenttypes"):
        path = Path(django.__file__).parent / folder / "locale" / "es" / "LC_MESSAGES" / "django.mo"
        with path.open("rb") as file:
            texts: Any = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        for key in texts:
            context, _, text = (key if isinstance(key, str) else key[0]).rpartition("\x04")
            known.add((text, context or None))
    return known


def catalogue() -> Catalog:
    """The catalogue as it is stored."""
    return read_po(BytesIO(PO.read_bytes()), locale="es")


def updated() -> Catalog:
    """The stored translations for the texts of today."""
    stored, today = catalogue() if PO.exists() else Catalog(locale="es"), template()
    for message in today:
        kept = stored.get(message.id, message.context) if message.id else None
        if kept is not None and kept.pluralizable == message.pluralizable:
            message.string = kept.string
    return today


def as_po(catalog: Catalog) -> bytes:
    out = BytesIO()
    catalog.header_comment = "# What the admin says, in Spanish. `make messages` rebuilds it."
    write_po(out, catalog, width=100, sort_output=True, omit_header=False)
    lines = out.getvalue().decode().split("\n")
    varying = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator',
               '"Report-Msgid-Bugs-To', '"Language-Team')  # fmt: skip
    return "\n".join(one for one in lines if not one.startswith(varying)).encode()


def as_mo(po: bytes) -> bytes:
    out, catalog = BytesIO(), read_po(BytesIO(po), locale="es")
    catalog.creation_date = catalog.revision_date = ONCE
    write_mo(out, catalog)
    return out.getvalue()


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DEBUG", "1")
    django.setup()
    FOLDER.mkdir(parents=True, exist_ok=True)
    po = as_po(updated())
    PO.write_bytes(po)
    MO.write_bytes(as_mo(po))
    missing = [one.id for one in catalogue() if one.id and not filled(one.string)]
    print(f"{len(catalogue())} texts, {len(missing)} without a translation", *missing, sep="\n  ")
    return bool(missing)


def filled(translation: object) -> bool:
    """Whether every form of a translation is written."""
    forms = translation if isinstance(translation, (tuple, list)) else [translation]
    return all(forms)


if __name__ == "__main__":
    sys.exit(main())
