"""The CUPS and the other meters of a facility, as lists of codes on its page."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet

from facilities.models import Meter, SupplyPoint
from organizations.staff import TenantInline
from organizations.staff.undoing import UNDO, PartUndone, part_undone


class CodesFormSet(PaginationInlineFormSet):
    """The codes of a facility, each once; a point knows its facility before that is stored."""

    column, what = "cups", "CUPS"
    back: PartUndone | None = None
    """The change of one of these codes that the form opens without, when it is to be undone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """A form that says nothing of these codes leaves them as they are."""
        prefix, data = kwargs.get("prefix"), kwargs.get("data")
        if data is not None and f"{prefix}-TOTAL_FORMS" not in data:
            kwargs["data"] = data = data.copy()
            data[f"{prefix}-TOTAL_FORMS"] = data[f"{prefix}-INITIAL_FORMS"] = "0"
        if self.back and not self.back.after:
            kwargs["initial"] = [{self.column: self.back.before}]
        super().__init__(*args, **kwargs)

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)
        form.instance.facility = self.instance
        if self.back and self.back.after and form.instance.pk == self.back.pk:
            if self.back.before:
                form.initial[self.column] = self.back.before
            elif "DELETE" in form.fields:
                form.fields["DELETE"].initial = True
        return form

    def clean(self) -> None:
        super().clean()
        seen: set[str] = set()
        for form in self.forms:
            given = getattr(form, "cleaned_data", {}).get(self.column)
            code = given and getattr(form.instance, self.column)
            if not code or self._should_delete_form(form):
                continue
            if code in seen:
                form.add_error(
                    self.column,
                    gettext("The {what} “{code}” is in this list already.").format(
                        what=gettext(self.what), code=code
                    ),
                )
            seen.add(code)


class MetersFormSet(CodesFormSet):
    column, what = "code", "meter"


class CodesInline(TenantInline):
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("id")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        if obj is not None and request.method == "GET":
            back = part_undone(obj, request.GET.get(UNDO, ""))
            formset.back = back if back and back.model is self.model else None
            formset.extra = int(bool(formset.back and not formset.back.after))
        return formset


class SupplyPointInline(CodesInline):
    model = SupplyPoint
    formset = CodesFormSet
    fields = ["cups"]
    verbose_name = "CUPS"
    verbose_name_plural = "CUPS"


class MeterInline(CodesInline):
    model = Meter
    formset = MetersFormSet
    fields = ["code"]
    verbose_name = _("meter")
    verbose_name_plural = _("Other meters")
