"""Shows what a change of a factor moves, and asks, before it is made."""

from copy import copy
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from emissions.admin.links import link, list_of, page_of
from emissions.models import EmissionFactor, Recalculation
from emissions.preview import impact_of
from organizations.staff import SoftDeleteAdmin, refusing

CONFIRMED = "_confirmed"


class AskingAdmin(SoftDeleteAdmin):
    """Nothing that moves figures is stored before its preview has been seen."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.restore_view)
        name = "emissions_emissionfactor_restore"
        return [path("<path:object_id>/restore/", view, name=name), *super().get_urls()]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        object_id = args[0] if args else kwargs.get("object_id")
        if request.method == "POST" and CONFIRMED not in request.POST:
            answer = refusing(request, lambda: self.ask_to_save(request, object_id))
            if answer is not None:
                return answer
        return super().changeform_view(request, *args, **kwargs)

    def ask_to_save(self, request: HttpRequest, object_id: str | None) -> Any:
        """The preview; nothing if the form is refused, or moves no figure."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and row is None:
            return None
        if not (
            self.has_change_permission(request, row) if row else self.has_add_permission(request)
        ):
            return None
        form = self.get_form(request, row, change=bool(row))(request.POST, instance=row)
        if not form.is_valid():
            return None
        wanted = form.instance
        stored = EmissionFactor.objects.get(pk=row.pk) if row else None
        if stored and stored.applied() == wanted.applied():
            return None
        impact = impact_of(stored, wanted)
        if stored is None and not impact.consumptions:
            return None
        return self.ask(request, stored, wanted, impact, "Save" if stored else "Create")

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        row = self.get_object(request, unquote(object_id))
        if row is None or request.method != "GET" or not self.has_delete_permission(request, row):
            return super().delete_view(request, object_id, extra_context)
        wanted = copy(row)
        wanted.deleted_at = timezone.now()
        impact = impact_of(row, wanted)
        return self.ask(request, row, wanted, impact, "Delete", {"post": ["yes"]})

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Puts a deleted factor back, after its preview."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_change_permission(request, row) or not row.deleted_at:
            return HttpResponseRedirect(list_of(EmissionFactor))

        def view() -> HttpResponse:
            if request.method == "POST":
                row.restore()
                self.say_how_far(request, row)
                self.message_user(request, f"{row} is back.")
                return HttpResponseRedirect(page_of(row))
            wanted = copy(row)
            wanted.deleted_at = None
            wanted.clean()
            return self.ask(request, row, wanted, impact_of(row, wanted), "Restore")

        try:
            return view()
        except ValidationError as error:
            self.message_user(request, f"It stays deleted. {' '.join(error.messages)}", "ERROR")
            return HttpResponseRedirect(page_of(row))

    def ask(
        self,
        request: HttpRequest,
        stored: EmissionFactor | None,
        wanted: EmissionFactor,
        impact: Any,
        verb: str,
        hidden: dict[str, list[str]] | None = None,
    ) -> HttpResponse:
        given = hidden or {
            name: values
            for name, values in request.POST.lists()
            if name not in ("csrfmiddlewaretoken", CONFIRMED)
        }
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb} {stored or wanted}?",
            "opts": self.opts,
            "stored": stored,
            "wanted": wanted,
            "verb": verb,
            "impact": impact,
            "change": impact.after.minus(impact.before) if impact.exact else None,
            "hidden": [(name, value) for name, values in given.items() for value in values],
            "back": page_of(stored) if stored else reverse("admin:emissions_emissionfactor_add"),
        }
        return TemplateResponse(request, "admin/emissions/preview.html", context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.say_how_far(request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        self.say_how_far(request, obj)

    def say_how_far(self, request: HttpRequest, row: EmissionFactor) -> None:
        """Where the recalculation can be followed, if it was too much to be done at once."""
        runs = Recalculation.objects.unfinished().filter(created_at__gte=row.updated_at)
        if runs.exists():
            address = link(list_of(Recalculation), "the recalculations")
            self.message_user(
                request, format_html("It reaches much, so a task recalculates it: see {}.", address)
            )
