"""The rules of DESIGN and STYLE that a reader could break without noticing."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models

from config.api import router
from organizations.database.decimals import ExactDecimalField

DIRECTION = ("config", "emissions", "facilities", "organizations")
"""Each imports itself and what stands to its right, never back."""

MAY_IMPORT = {
    "emissions.calculation": "",
    "emissions.names": "calculation",
    "emissions.rules": "calculation",
    "emissions.models": "calculation rules names",
    "emissions.serializers": "models calculation",
    "emissions.filters": "models",
    "emissions.ledger": "models calculation",
    "emissions.reports": "ledger models calculation rules serializers",
    "emissions.importing": "ledger models calculation rules serializers",
    "emissions.signals": "ledger models",
    "emissions.templatetags": "calculation names",
    "emissions.views": "importing reports ledger models filters serializers",
    "emissions.admin": "importing reports ledger models calculation rules names templatetags",
    "emissions.management": "importing reports ledger models",
    "emissions.apps": "signals",
    "facilities.categories": "",
    "facilities.names": "",
    "facilities.models": "categories names",
    "facilities.serializers": "models categories",
    "facilities.filters": "models categories",
    "facilities.exports": "importing models",
    "facilities.importing": "models serializers signals",
    "facilities.views": "exports models serializers filters",
    "facilities.admin": "models categories names exports",
    "facilities.management": "exports importing",
    "facilities.signals": "",
    "facilities.apps": "",
    "organizations.database": "",
    "organizations.access": "database models tenancy",
    "organizations.tenancy": "database",
    "organizations.audit": "access database models tenancy",
    "organizations.models": "people access audit tenancy",
    "organizations.history": "access database models tenancy",
    "organizations.rest": "audit database models tenancy",
    "organizations.people": "audit access database models tenancy",
    "organizations.serializers": "people access rest audit models tenancy",
    "organizations.filters": "rest audit",
    "organizations.importing": "management rest audit access database models tenancy",
    "organizations.staff": "history importing database access models tenancy",
    "organizations.templatetags": "staff",
    "organizations.views": "people audit rest access models serializers filters tenancy",
    "organizations.admin": "people staff access audit models",
    "organizations.management": "people audit database models",
    "organizations.apps": "audit database staff",
}
"""Inside an app: which rooms a wing or a module may import besides itself."""

PURE = "emissions.calculation"
LONGEST_MODULE = 400
NAMES_OF_NOTHING = {"utils", "common", "core", "helpers", "misc", "base"}
NAMED_BY_DJANGO = {"organizations.database.postgresql.base"}

WITHOUT_FILTERS = {
    "api-key": "an organization has a handful, and an admin reads all of them",
    "invitation": "no more than a handful is open at once",
}
UNIQUE_WITHOUT_ORGANIZATION = {
    ("APIKey", "digest"): "a bad key is 401 before the organization header is looked at",
}

MODULES = sorted(
    path
    for folder in DIRECTION
    for path in (Path(settings.BASE_DIR) / folder).rglob("*.py")
    if "migrations" not in path.parts
)
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
MODELS = [model for label in DIRECTION[1:] for model in apps.get_app_config(label).get_models()]
TENANT_MODELS = [
    model for model in MODELS if "organization" in {field.name for field in model._meta.fields}
]


def dotted(path: Path) -> str:
    """emissions/factors.py → emissions.calculation.selection."""
    parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: write the whole name of what is imported"
            yield node.lineno, str(node.module)
            yield from ((node.lineno, f"{node.module}.{one.name}") for one in node.names)


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of every variable and attribute that is read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr


def test_there_are_modules_and_tenant_models_to_look_at() -> None:
    assert len(MODULES) > 40
    tenant_models = {model.__name__ for model in TENANT_MODELS}
    assert {"Facility", "SupplyPoint", "Consumption", "Emission", "APIKey"} <= tenant_models


def test_imports_go_from_config_over_emissions_and_facilities_to_organizations() -> None:
    back = [
        f"{dotted(path)}:{line} imports {name}"
        for path, tree in TREES.items()
        for line, name in imported(tree)
        for app in DIRECTION[: DIRECTION.index(dotted(path).split(".")[0])]
        if name.split(".")[0] == app
    ]
    assert back == []


def room(name: str) -> str:
    """The wing or module of an app that a dotted name is in: emissions.ledger.plan → ledger."""
    return ".".join(name.split(".")[:2])


def test_inside_an_app_each_room_imports_what_the_table_says() -> None:
    known = {room(dotted(path)) for path in MODULES}
    rooms = {name for name in known if "." in name and not name.startswith("config")}
    assert set(MAY_IMPORT) == rooms, "the table names every room, and no other"
    allowed = {
        name: {name, *(f"{name.split('.')[0]}.{other}" for other in others.split())}
        for name, others in MAY_IMPORT.items()
    }
    wrong = [
        f"{dotted(path)}:{line} imports {name}"
        for path, tree in TREES.items()
        for line, name in imported(tree)
        if (mine := room(dotted(path))) in allowed
        and name.split(".")[0] == mine.split(".")[0]
        and room(name) in rooms
        and room(name) not in allowed[mine]
    ]
    assert wrong == []


def test_no_import_hides_in_a_function_but_the_one_of_ready() -> None:
    hidden = []
    for path, tree in TREES.items():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if path.name == "apps.py" and getattr(function, "name", "") == "ready":
                continue
            hidden += [f"{dotted(path)}:{line} imports {name}" for line, name in imported(function)]
    assert hidden == []


def test_the_calculation_imports_only_itself_and_the_standard_library() -> None:
    pure = {path: tree for path, tree in TREES.items() if room(dotted(path)) == PURE}
    assert len(pure) >= 4
    for path, tree in pure.items():
        for line, name in imported(tree):
            mine = name == PURE or name.startswith(f"{PURE}.")
            known = mine or name.split(".")[0] in sys.stdlib_module_names
            assert known, f"{dotted(path)}:{line} {name}"


def test_every_package_says_what_lives_there() -> None:
    packages = [
        path
        for folder in (*DIRECTION, "tests", "benchmarks")
        for path in (Path(settings.BASE_DIR) / folder).rglob("__init__.py")
    ]
    silent = [str(path) for path in packages if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_there_is_no_float_between_a_request_and_the_database() -> None:
    floats = [
        f"{dotted(path)}:{line} {name}"
        for path, tree in TREES.items()
        for line, name in names(tree)
        if name in ("float", "FloatField")
    ]
    assert floats == []
    for model in MODELS:
        for field in model._meta.fields:
            assert not isinstance(field, models.FloatField), field
            if isinstance(field, models.DecimalField):
                assert isinstance(field, ExactDecimalField), field


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_is_short_and_named_for_what_it_holds(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_MODULE, f"{lines} lines: split it by noun"
    assert path.stem not in NAMES_OF_NOTHING or dotted(path) in NAMED_BY_DJANGO


@pytest.mark.parametrize("app", DIRECTION[1:])
def test_every_app_has_the_same_modules(app: str) -> None:
    inside = {path.stem for path in (Path(settings.BASE_DIR) / app).iterdir()}
    assert {"apps", "models", "serializers", "views", "admin"} <= inside


def test_signals_are_connected_in_one_module() -> None:
    connecting = {
        dotted(path)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("connect", "receiver")
    }
    recording = "organizations.history"  # nothing is recomputed there: what was is kept
    auditing = "organizations.audit.receivers"  # nor there: what happened is kept
    function = "organizations.database.search"  # a function of each connection to SQLite
    to_the_server = "organizations.database.postgresql.pool"
    assert connecting == {"emissions.signals", recording, auditing, function, to_the_server}
    decorating = {
        dotted(path) for path, tree in TREES.items() for _, one in names(tree) if one == "receiver"
    }
    assert decorating == set()


FOLDERS = sorted({path.parent for path in MODULES})
LARGEST_FOLDER = 16


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_folder_holds_few_modules(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= LARGEST_FOLDER, "split it by wing"


def test_every_command_has_a_test_that_runs_it() -> None:
    tests = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (Path(settings.BASE_DIR) / "tests").rglob("test_*.py")
        if path != Path(__file__)
    )
    commands = [path.stem for path in MODULES if path.parent.name == "commands"]
    commands = [name for name in commands if not name.startswith("_")]
    assert {"load_emission_factors", "recalculate_co2e", "create_organization"} <= set(commands)
    assert [name for name in commands if f'"{name}"' not in tests] == []


@pytest.mark.parametrize("prefix", [prefix for prefix, _, _ in router.registry])
def test_every_list_can_be_filtered_and_sorted(prefix: str) -> None:
    view: Any
    [(view, basename)] = [(view, name) for one, view, name in router.registry if one == prefix]
    assert "id" in view.sort_fields
    columns = {field.attname for field in view.queryset.model._meta.fields}
    columns |= {field.name for field in view.queryset.model._meta.fields}
    assert set(view.sort_fields.values()) <= columns
    if basename in WITHOUT_FILTERS:
        assert not hasattr(view, "filterset_class")
    else:
        assert view.filterset_class.base_filters


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model.__name__)
def test_what_is_unique_on_a_tenants_table_is_unique_per_organization(
    model: type[models.Model],
) -> None:
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            assert "organization" in constraint.fields, constraint.name
    assert not model._meta.unique_together
    for field in model._meta.fields:
        if field.unique and not field.primary_key:
            assert (model.__name__, field.name) in UNIQUE_WITHOUT_ORGANIZATION, field


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model.__name__)
def test_the_ids_of_a_tenants_table_are_uuids(model: type[models.Model]) -> None:
    assert isinstance(model._meta.pk, models.UUIDField)


def test_every_constraint_has_a_name_of_its_own_that_says_what_it_holds() -> None:
    constraints = [one.name for model in MODELS for one in model._meta.constraints]
    assert len(constraints) > 20
    assert len(set(constraints)) == len(constraints)
    for name in constraints:
        assert re.fullmatch(r"[a-z][a-z0-9]+(_[a-z0-9]+)+", name), name
    for path in Path(settings.BASE_DIR).glob("[a-z]*/migrations/*.py"):
        for clause in re.findall(r"ADD (\w+ \w+)", path.read_text(encoding="utf-8")):
            assert clause.startswith(("CONSTRAINT ", "COLUMN ")), f"{path.name}: ADD {clause}"


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="there the models hold it")
def test_what_a_tenants_row_refers_to_is_of_its_own_organization() -> None:
    """A reference from one tenant's table to another is a composite foreign key too."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, array_agg(attname::text)
            FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
            WHERE contype = 'f' AND array_length(conkey, 1) = 2
            GROUP BY pg_constraint.oid, conrelid
            """
        )
        held = {(table, *sorted(columns)) for table, columns in cursor.fetchall()}
    expected = {
        (model._meta.db_table, *sorted(("organization_id", field.attname)))
        for model in TENANT_MODELS
        for field in model._meta.fields
        if field.related_model in TENANT_MODELS
        and not field.related_model._meta.get_field("organization").null
    }
    assert expected
    assert expected <= held


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "benchmarks/requirements.txt"]
)
def test_every_requirement_is_pinned_with_the_reason_it_is_there(name: str) -> None:
    lines = (Path(settings.BASE_DIR) / name).read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith(("#", "-r ")):
            assert re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.]+  # .+", line), line
    packages = [line.split("==")[0].lower() for line in lines if "==" in line]
    assert len(set(packages)) == len(packages)


def test_the_modules_stand_in_an_order_without_circles() -> None:
    """A circle of modules is what an import in a function would hide."""
    known = {dotted(path): tree for path, tree in TREES.items()}
    needs = {
        name: {other for _, other in imported(tree) if other in known and other != name}
        for name, tree in known.items()
    }
    while ready := [name for name, others in needs.items() if not others & needs.keys()]:
        for name in ready:
            del needs[name]
    assert needs == {}
