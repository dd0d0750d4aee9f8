"""The pages: send a file or paste cells; look at what it is and would do; mend it; store it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.uploads.offered import CHOICES, CONSTANT, choices, constants, mapping
from emissions.admin.uploads.words import fault_name, refused_rows
from emissions.importing.drafts.drafts import begin, changed, is_workers
from emissions.importing.drafts.looking import ask
from emissions.importing.drafts.trials import Trial, attempt, store
from emissions.importing.kinds import ALLOWED, KINDS, check_layout
from organizations.audit.recording import record_export
from organizations.importing.engine import NotStored
from organizations.importing.layouts.known import layouts_of
from organizations.importing.options import ABORT, SKIP
from organizations.importing.spreadsheets import Unreadable
from organizations.importing.uploads import FileTooLarge, kept
from organizations.models import Draft, ImportLayout, ImportOutcome, Organization, Role
from organizations.staff.numbers import shown_number
from organizations.staff.roles import organizations_of
from organizations.staff.said import said as said_of

SECONDS_BETWEEN = "2"
"""After so long a page that waits for the worker looks again."""

LONGEST_NAME = 255
NAMES = {
    "consumption": _("Consumption: bills, readings, refills"),
    "facilities": _("Facilities"),
    "emission-factors": _("Own emission factors"),
}
ON_ERROR = {"store": ABORT, "store_good": SKIP}
"""The button → what becomes of refused rows."""


class SendForm(forms.Form):
    """What is brought in, for whom, and what it is about."""

    organization = forms.ModelChoiceField(Organization.objects.none())
    kind = forms.ChoiceField(choices=list(NAMES.items()))
    file = forms.FileField(required=False)
    cells = forms.CharField(required=False, widget=forms.Textarea, strip=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(data.get("file")) == bool((data.get("cells") or "").strip()):
            raise ValidationError(gettext("Choose a file, or paste cells; one of the two."))
        return data


class Uploads:
    """The views, for the admin of consumption, whose addresses they have."""

    def __init__(self, site: Any) -> None:
        self._site = site

    def urls(self) -> list[Any]:
        view = self._site.admin_view
        return [
            path("upload/", view(self.send), name="emissions_consumption_upload"),
            path("upload/<uuid:pk>/", view(self.look), name="emissions_consumption_draft"),
            path(
                "upload/<uuid:pk>/rejects.csv",
                view(self.rejects),
                name="emissions_consumption_draft_rejects",
            ),
        ]

    def send(self, request: HttpRequest) -> HttpResponse:
        """The form, and what it sends."""
        allowed = organizations_to_fill(request)
        first = allowed.first()
        if first is None and request.user.is_superuser:
            messages.warning(request, gettext("A file is somebody's: add an organization first."))
            return HttpResponseRedirect(reverse("admin:organizations_organization_add"))
        if first is None:
            raise PermissionDenied
        initial = {"organization": first.pk, **request.GET.dict()}
        posted = request.method == "POST"
        form = SendForm(request.POST, request.FILES) if posted else SendForm(initial=initial)
        chosen: Any = form.fields["organization"]
        chosen.queryset = allowed
        chosen.empty_label = None
        if posted and form.is_valid():
            data = form.cleaned_data
            file = data["file"]
            blocks = file.chunks() if file else [data["cells"].encode()]
            name = str(file.name)[:LONGEST_NAME] if file else gettext("pasted cells")
            try:
                upload = kept(blocks, name)
            except FileTooLarge as error:
                form.add_error("file", said_of(str(error.detail)))
            else:
                draft = begin(upload, request.user, data["organization"], data["kind"])
                upload.remove()
                return HttpResponseRedirect(self.address(draft))
        return self._page(request, "upload.html", gettext("Bring in a file"), form=form)

    def look(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """What a draft is taken for and would do; a POST changes, stores or drops it."""
        draft = self._mine(request, pk)
        if draft is None:
            messages.warning(
                request, gettext("This file is stored already, or was dropped: bring it anew.")
            )
            return HttpResponseRedirect(reverse("admin:emissions_consumption_upload"))
        organization = draft.organization
        if request.method == "POST":
            return self._change(request, draft, organization)
        trial = self._trial(request, draft)
        if trial is None:
            page = self._page(request, "looking.html", draft.file_name, draft=draft)
            page["Refresh"] = SECONDS_BETWEEN
            return page
        return self._page(
            request,
            "draft.html",
            draft.file_name,
            draft=draft,
            organization=organization,
            kind=NAMES[draft.kind],
            trial=trial,
            mapping=mapping(draft, trial),
            constants=constants(request, draft, trial),
            layouts=[one.name for one in layouts_of(organization, KINDS[draft.kind].kind)],
            choices=choices(draft, trial.codes),
            allowable=[
                (code, fault_name(code), code in draft.said.get("allow", ()))
                for code in ALLOWED.get(draft.kind, ())
            ],
            refused=refused_rows(trial),
        )

    def rejects(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The rows that would be refused, as the file that a command writes of them."""
        draft = self._mine(request, pk)
        trial = self._trial(request, draft) if draft else None
        if draft is None or trial is None:
            raise Http404
        record_export(draft.organization_id, f"rejects-{draft.pk}", "csv")
        return HttpResponse(
            trial.rejects,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="rejects.csv"'},
        )

    def _mine(self, request: HttpRequest, pk: UUID) -> Draft | None:
        """A draft of the user, who may still write to its organization."""
        draft = Draft.objects.select_related("organization").filter(pk=pk, user=request.user.pk)
        found = draft.first()
        if found and not organizations_to_fill(request).filter(pk=found.organization_id).exists():
            raise PermissionDenied
        return found

    def _trial(self, request: HttpRequest, draft: Draft) -> Trial | None:
        """What a draft would do; None while the worker finds that out."""
        if draft.trial is not None:
            return Trial.from_json(draft.trial)
        if not is_workers(draft):
            return attempt(draft, draft.organization, request.user.get_username())
        if not draft.waits:
            ask(draft)
        return None

    def _change(
        self, request: HttpRequest, draft: Draft, organization: Organization
    ) -> HttpResponse:
        what = request.POST.get("what", "")
        if what == "drop":
            draft.delete()
            messages.success(request, gettext("The file is dropped; nothing was stored."))
            return HttpResponseRedirect(reverse("admin:organizations_import_changelist"))
        if what in ("store", "store_good"):
            return self._store(
                request, draft, organization, SKIP if what == "store_good" else ABORT
            )
        if what == "read":
            said(draft, request)
        elif what == "decide":
            draft.said |= {name: request.POST[name] for name in CHOICES if name in request.POST}
        elif what == "columns":
            columns_said(draft, request)
            self._save_layout(request, draft, organization)
        elif what == "mend":
            mend(draft, request)
        else:
            raise Http404
        changed(draft)
        return HttpResponseRedirect(self.address(draft))

    def _store(
        self, request: HttpRequest, draft: Draft, organization: Organization, on_error: str
    ) -> HttpResponse:
        try:
            record = store(draft, organization, request.user.get_username(), on_error)
        except Draft.DoesNotExist:
            messages.warning(request, gettext("Somebody is storing this file already."))
            return HttpResponseRedirect(reverse("admin:organizations_import_changelist"))
        except (Unreadable, NotStored) as error:
            messages.error(
                request, gettext("Nothing was stored: {error}").format(error=said_of(str(error)))
            )
            return HttpResponseRedirect(self.address(draft))
        if record.outcome == ImportOutcome.REFUSED:
            messages.error(
                request, gettext("Nothing was stored: rows are refused. Mend them first.")
            )
            return HttpResponseRedirect(self.address(draft))
        address = reverse("admin:organizations_import_change", args=[record.pk])
        if record.outcome == ImportOutcome.QUEUED:
            messages.success(
                request, gettext("The worker stores it; this page says how far it is.")
            )
            return HttpResponseRedirect(address)
        sentence = gettext(
            "Stored: created {created}, changed {changed}, unchanged {unchanged}, "
            "rejected {rejected}."
        )
        counts = ("created", "changed", "unchanged", "rejected")
        counted = {name: shown_number(getattr(record, name)) for name in counts}
        messages.success(request, sentence.format(**counted))
        return HttpResponseRedirect(address)

    def _save_layout(self, request: HttpRequest, draft: Draft, organization: Organization) -> None:
        """Keeps what was chosen for the next file of the kind, where a name is given."""
        name = request.POST.get("save_as", "").strip()
        if not name:
            return
        fields = {
            "columns": draft.columns,
            "constants": draft.constants,
            "decimal": draft.said.get("decimal", ""),
            "dates": draft.said.get("dates", ""),
        }
        whole = {"name": name, "activities": {}, "units": {}, "sum_by": "none", **fields}
        row = ImportLayout(organization=organization, name=name, kind=draft.kind, **fields)
        try:
            errors = check_layout(draft.kind, whole)
            if errors:
                raise ValidationError(errors)
            row.full_clean()
        except ValidationError as error:
            messages.error(
                request,
                gettext("The layout was not saved: {messages}").format(
                    messages=" ".join(error.messages)
                ),
            )
            return
        row.save()
        messages.success(
            request,
            gettext("The layout “{name}” is saved and knows such files by itself.").format(
                name=name
            ),
        )

    def address(self, draft: Draft) -> str:
        return reverse("admin:emissions_consumption_draft", args=[draft.pk])

    def _page(
        self, request: HttpRequest, name: str, title: str, **context: Any
    ) -> TemplateResponse:
        shared = {**self._site.each_context(request), "title": title, "content_title": title}
        template = f"admin/emissions/uploads/{name}"
        return TemplateResponse(request, template, {**shared, **context})


def organizations_to_fill(request: HttpRequest) -> Any:
    """The organizations in which the user may write."""
    user: Any = request.user
    rows = Organization.objects.order_by("name", "pk")
    if user.is_superuser:
        return rows
    return rows.filter(pk__in=organizations_of(user, Role.EDITOR))


def said(draft: Draft, request: HttpRequest) -> None:
    """How the file is read."""
    draft.said = {
        name: text
        for name in ("layout", "facility", *CHOICES)
        if (text := request.POST.get(name, draft.said.get(name, "")).strip())
    }
    if "allow_said" in request.POST:
        draft.said["allow"] = request.POST.getlist("allow")
    draft.constants = constants_said(request)
    if draft.said.get("layout"):
        draft.columns = {}


def columns_said(draft: Draft, request: HttpRequest) -> None:
    """Which column is which, and what all rows have in common."""
    names = request.POST.getlist("theirs")
    chosen = request.POST.getlist("ours")
    draft.columns = {ours: theirs for ours, theirs in zip(chosen, names, strict=False) if ours}
    draft.constants = constants_said(request)
    draft.said.pop("layout", None)


def constants_said(request: HttpRequest) -> dict[str, str]:
    """What all rows have in common."""
    return {
        name: text for name in CONSTANT if (text := request.POST.get(f"all_{name}", "").strip())
    }


def mend(draft: Draft, request: HttpRequest) -> None:
    """Cells that were changed, by line and position."""
    for name, text in request.POST.items():
        _, line, position = (*name.split("-"), "", "")[:3]
        is_cell = name.startswith("cell-") and line.isdecimal() and position.isdecimal()
        if is_cell and text != request.POST.get(f"was-{line}-{position}"):
            draft.mended.setdefault(line, {})[position] = str(text)
