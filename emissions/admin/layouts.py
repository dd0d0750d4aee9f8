"""Saved layouts: how the columns of the files that an organization gets become ours."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.named import activities
from emissions.admin.uploads.offered import CHOICES, WRITTEN
from emissions.admin.uploads.pages import NAMES
from emissions.admin.uploads.words import column_name
from emissions.importing.kinds import KINDS, check_layout
from emissions.names import ACTIVITIES, activity_name, unit_choices
from facilities.names import category_choices
from organizations.importing.layouts.layout import meaning
from organizations.models import ImportLayout
from organizations.staff import OrganizationFilter, TenantAdmin
from organizations.staff.forms import RowForm
from organizations.staff.said import said
from organizations.staff.values.pairs import Cell, PairsField, Rows

WORDS = ("columns", "constants", "activities", "units")
MEANT = ("category", "activity")
OURS, THEIRS = _("Our column"), _("Their column")
WORD = _("Their word")


class MeaningsField(PairsField):
    """Their word → our activity, or our category with or without one."""

    def rows(self, mapping: Any) -> Rows:
        found = [(word, meaning(one)) for word, one in mapping.items()]
        return [[word, *(one.get(name, "") for name in MEANT)] for word, one in found]

    def lacking(self, row: list[str]) -> list[Any]:
        """Of category and activity one is enough."""
        word, category, activity = row
        names = [cell.label for cell in self.widget.cells]
        return names[:1] * (not word) + names[2:] * (not category and not activity)

    def pair(self, row: list[str]) -> tuple[str, Any]:
        word, *texts = row
        meant = {name: text for name, text in zip(MEANT, texts, strict=True) if text}
        return word, meant if "category" in meant else meant.get("activity", "")


class LayoutForm(RowForm):
    """Holds a layout to the rules of the API."""

    kind_activities: list[tuple[str, str]] = []
    """What the user may choose of; the page sets it."""

    class Meta:
        model = ImportLayout
        fields = ["organization", "name", "kind", *WORDS, "decimal", "dates", "sum_by"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        proved = ("", gettext("as the file proves"))
        written = {
            name: [proved, *((one, WRITTEN[one]) for one in styles)]
            for name, styles in CHOICES.items()
        }
        named: dict[str, Any] = {"kind": [("", gettext("Choose")), *NAMES.items()], **written}
        for name in named.keys() & self.fields.keys():  # who may only read has no fields
            field: Any = self.fields[name]
            field.choices = named[name]
        for name in self.fields.keys() & set(WORDS):
            before = self.fields[name]
            after = self._pairs(name)
            after.label, after.help_text = before.label, before.help_text
            after.widget.label = before.label
            self.fields[name] = after

    def _pairs(self, name: str) -> PairsField:
        ours = Cell("ours", OURS, self._columns())
        if name == "columns":
            return PairsField(ours, Cell("theirs", THEIRS))
        if name == "constants":
            return PairsField(ours, Cell("all", _("What stands in every row")))
        if name == "units":
            return PairsField(Cell("theirs", WORD), Cell("ours", _("Our unit"), unit_choices()))
        return MeaningsField(
            Cell("theirs", WORD),
            Cell("category", _("Our category"), category_choices()),
            Cell("activity", _("Our activity"), self.kind_activities or known()),
        )

    def _columns(self) -> list[Any]:
        """Our columns: of the kind, or while none is chosen of each kind."""
        kind = (self.data.get("kind") if self.is_bound else None) or self.instance.kind
        if kind in KINDS:
            return columns_of(kind)
        return [(str(name), columns_of(one)) for one, name in NAMES.items()]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            errors = check_layout(data["kind"], data)
            for name, error in errors.items():
                sentences = [said(sentence) for sentence in error.messages]
                self.add_error(name, ValidationError(sentences))
        return data


def known() -> list[tuple[str, str]]:
    """The activities that have a name."""
    return [(code, activity_name(code)) for code in ACTIVITIES]


def columns_of(kind: str) -> list[tuple[str, str]]:
    return [(name, column_name(kind, name)) for name in KINDS[kind].fields()]


@admin.register(ImportLayout)
class ImportLayoutAdmin(TenantAdmin):
    """An organization's own layouts; the shipped ones need no row."""

    form = LayoutForm
    list_display = ["name", "kind_named", "organization", "sum_by", "updated_at"]
    list_filter = [("organization", OrganizationFilter), "kind"]
    list_select_related = ["organization"]
    search_fields = ["name"]
    search_help_text = _("Name")
    autocomplete_fields = ["organization"]
    labels = {
        "columns": _("Which column is which"),
        "constants": _("The same in every row"),
        "activities": _("Their words for activities"),
        "units": _("Their words for units"),
        "decimal": _("Numbers"),
        "dates": _("Days"),
        "sum_by": _("Add up by"),
    }
    explained = {
        "columns": _(
            "Theirs as in the header of the file. What it has in no column is left out here."
        ),
        "constants": _("What the file does not say because it is the same in all of it."),
        "activities": _("Only where the file has words of its own, such as Gas."),
        "units": _("Only where the file has words of its own, such as Kilowatts."),
        "decimal": _("How numbers are written. It is used only where a file does not show it."),
        "dates": _("How days are written. It is used only where a file does not show it."),
        "sum_by": _("Whether rows are added up to one bill for each day or month."),
    }

    class Media:
        js = ["organizations/pairs.js"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.kind_activities = activities(request)
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only read sees the pairs as sentences."""
        if obj is None or self.has_change_permission(request, obj):
            return LayoutForm.Meta.fields
        shown = [f"{name}_shown" if name in WORDS else name for name in LayoutForm.Meta.fields]
        return ["kind_named" if name == "kind" else name for name in shown]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [one for one in self.get_fields(request, obj) if one not in LayoutForm.Meta.fields]

    @admin.display(description=_("kind"), ordering="kind")
    def kind_named(self, row: ImportLayout) -> str:
        return str(NAMES[row.kind])

    @admin.display(description=labels["columns"])
    def columns_shown(self, row: ImportLayout) -> str:
        return said_of("columns", row)

    @admin.display(description=labels["constants"])
    def constants_shown(self, row: ImportLayout) -> str:
        return said_of("constants", row)

    @admin.display(description=labels["activities"])
    def activities_shown(self, row: ImportLayout) -> str:
        return said_of("activities", row)

    @admin.display(description=labels["units"])
    def units_shown(self, row: ImportLayout) -> str:
        return said_of("units", row)


def said_of(name: str, row: ImportLayout) -> str:
    """A layout's pairs as lines: Start date (start_date): Desde."""
    field: Any = LayoutForm(instance=row).fields[name]
    lines = [field.widget.row_in_words(one) for one in field.rows(getattr(row, name))]
    return format_html_join(mark_safe("<br>"), "{}", ([one] for one in lines)) or "–"
