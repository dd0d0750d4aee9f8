"""Shows what a change of a factor moves, and asks, before it is made.

A preview takes as many requests as it needs, of some seconds each: the page says how far it is and
sends for the rest by itself. How far that is, and what has been found, travels with the page,
signed for this person and this change; so nothing is stored for a look, and what is confirmed is
what was seen.
"""

import hashlib
from copy import copy
from itertools import islice
from time import monotonic
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_noop, ngettext

from emissions.admin.links import link, list_of, page_of
from emissions.admin.previews import moves
from emissions.admin.previews.moves import FILE, MOVES
from emissions.ledger.preview import Place, Survey
from emissions.models import EmissionFactor, Recalculation
from facilities.models import Facility
from organizations.history import changed_fields
from organizations.staff import SoftDeleteAdmin, refusing
from organizations.staff.numbers import shown_number
from organizations.tenancy import pass_gate

CONFIRMED, STATE, AGAIN = "_confirmed", "_preview", "_again"
OURS = ("csrfmiddlewaretoken", CONFIRMED, STATE, AGAIN, MOVES, FILE)
SALT = "emissions.ledger.preview"
SECONDS = 2
"""So long a request works on a preview before it shows how far it is."""

WORDS = {
    "Save": gettext_noop("Save"),
    "Create": gettext_noop("Create"),
    "Delete": gettext_noop("Delete"),
    "Restore": gettext_noop("Restore"),
}
BUTTONS = {
    "Save": gettext_noop("Save it"),
    "Create": gettext_noop("Create it"),
    "Delete": gettext_noop("Delete it"),
    "Restore": gettext_noop("Restore it"),
}
"""What is asked for → the word for it, and what its button says."""

LASTS = 24 * 3600
"""Seconds after which a preview has to be worked out anew."""


class Question:
    """A change that somebody wants to make, and how far its preview is."""

    def __init__(
        self,
        request: HttpRequest,
        verb: str,
        stored: EmissionFactor | None,
        wanted: EmissionFactor,
    ) -> None:
        self.verb, self.stored, self.wanted = verb, stored, wanted
        self.moved_on = False
        """Whether what it rests on has changed since, as the page is about to say."""

        what = (request.user.pk, verb, stored and (stored.pk, stored.applied()), wanted.applied())
        self._about = hashlib.sha256(repr(what).encode()).hexdigest()
        sent = None if AGAIN in request.POST else self._read(request.POST.get(STATE, ""))
        self.known = sent is not None
        self._told = bool(sent and sent["told"])
        self.survey = (
            Survey.resumed(stored, wanted, sent["survey"]) if sent else Survey(stored, wanted)
        )

    def _read(self, state: str) -> dict[str, Any] | None:
        """What a page of ours has sent back; nothing if it is of another change."""
        try:
            sent = signing.loads(state, salt=SALT, max_age=LASTS)
        except signing.BadSignature:
            return None
        return sent if sent["about"] == self._about else None

    def may_go_ahead(self) -> bool:
        """Whether what is confirmed is what was shown, or they know that it has changed."""
        if not (self.known and self.survey.finished):
            return False
        if self._told or not self.survey.changed_since():
            return True
        self.moved_on = self._told = True
        return False

    def go_on(self) -> None:
        """Works on the preview for as long as a request may last."""
        was_finished, started = self.survey.finished, monotonic()
        self.survey.run(lambda: monotonic() - started > SECONDS)
        if self.survey.finished and not was_finished and self.survey.changed_since():
            self.moved_on = self._told = True

    @property
    def state(self) -> str:
        sent = {"about": self._about, "told": self._told, "survey": self.survey.as_json()}
        return signing.dumps(sent, salt=SALT, compress=True)

    @property
    def heading(self) -> str:
        """The change in words: Save … of Acme; Create …, published to everybody."""
        words = {
            "verb": gettext(WORDS[self.verb]),
            "factor": self.wanted,
            "organization": self.wanted.organization,
        }
        if self.wanted.organization_id:
            return gettext("{verb} {factor} of {organization}").format(**words)
        return gettext("{verb} {factor}, published to everybody").format(**words)

    @property
    def button(self) -> str:
        return gettext(BUTTONS[self.verb])


class AskingAdmin(SoftDeleteAdmin):
    """Nothing that moves figures is stored before its preview has been seen."""

    restores_at_once = False

    def in_between(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """First what somebody else has changed, then what it would move."""
        return super().in_between(request, object_id) or self.ask_to_save(request, object_id)

    def hold(self, row: Any) -> None:
        pass_gate(row.organization_id, exclusive=True)

    def ask_to_save(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """The preview; nothing if the form is refused, moves no figure, or has been confirmed."""
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
        question = Question(request, "Save" if stored else "Create", stored, wanted)
        if stored is None and not question.survey.ground.consumptions:
            return None
        return self.ask(request, question)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        row = self.get_object(request, unquote(object_id))
        if row is not None and self.has_delete_permission(request, row):
            wanted = copy(row)
            wanted.deleted_at = row.updated_at  # some moment, the same one in every request
            answer = refusing(request, lambda: self.ask(
                request, Question(request, "Delete", row, wanted), [("post", "yes")]
            ))  # fmt: skip
            if answer is not None:
                return answer
        return super().delete_view(request, object_id, extra_context)

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Puts a deleted factor back, after its preview."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_change_permission(request, row) or not row.deleted_at:
            return HttpResponseRedirect(list_of(EmissionFactor))
        wanted = copy(row)
        wanted.deleted_at = None
        try:
            wanted.clean()
            if answer := self.ask(request, Question(request, "Restore", row, wanted), []):
                return answer
            row.restore()
        except ValidationError as error:
            self.message_user(
                request,
                gettext("It stays deleted. {messages}").format(messages=" ".join(error.messages)),
                "ERROR",
            )
        else:
            self.say_how_far(request, row)
            self.message_user(request, gettext("{row} is back.").format(row=row))
        return HttpResponseRedirect(page_of(row))

    def ask(
        self, request: HttpRequest, question: Question, hidden: list[tuple[str, str]] | None = None
    ) -> HttpResponse | None:
        """The page that asks, or says how far its preview is; nothing once it is confirmed."""
        confirmed = request.method == "POST" and CONFIRMED in request.POST
        if confirmed and question.may_go_ahead():
            return None
        if confirmed and not question.known:
            sentence = gettext(
                "This is not the change that you have seen the preview of; here is its own."
            )
            messages.warning(request, sentence)
        question.go_on()
        impact = question.survey.impact
        names = Facility.objects.in_bulk([move.facility_id for move in impact.most])
        context = {
            **self.admin_site.each_context(request),
            "title": f"{question.verb} {question.stored or question.wanted}?",
            "opts": self.opts,
            "question": question,
            "state": question.state,
            "fields": changed_fields(question.stored, question.wanted) if question.stored else [],
            "impact": impact,
            "change": impact.after.minus(impact.before),
            "most": [{"facility": names[move.facility_id], "move": move} for move in impact.most],
            "hidden": request_fields(request) if hidden is None else hidden,
            "back": page_of(question.stored)
            if question.stored
            else reverse("admin:emissions_emissionfactor_add"),
        }
        if moves.asked_for(request):
            return moves.answer(
                self, request, context, question.wanted.organization_id,
                lambda start: listed(question.survey, start),
                lambda: (tuple(move) for _, move in question.survey.moves()),  # type: ignore[misc]
            )  # fmt: skip
        part = "preview_body" if request.headers.get("HX-Request") else "preview"
        return TemplateResponse(request, f"admin/emissions/{part}.html", context)

    def answered(self, request: HttpRequest, row: EmissionFactor, answer: HttpResponse) -> Any:
        self.say_how_far(request, row)
        return super().answered(request, row, answer)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        self.say_how_far(request, obj)

    def get_urls(self) -> list[Any]:
        """Factors are not brought back by one press, but after their preview."""
        urls = super().get_urls()
        view = self.admin_site.admin_view(self.restore_view)
        name = "emissions_emissionfactor_restore"
        return [
            path("<path:object_id>/restore/", view, name=name),
            *(one for one in urls if one.name != "emissions_emissionfactor_undelete"),
        ]

    def undo(self, request: HttpRequest, ids: list[Any]) -> str:
        """Bringing a factor back moves figures too: its preview comes first."""
        address = reverse("admin:emissions_emissionfactor_restore", args=ids[:1])
        return link(address, gettext("Undo"))

    def say_how_far(self, request: HttpRequest, row: EmissionFactor) -> None:
        """How many bills have another figure for it, or where that can be followed, if it was too
        much to be done at once."""
        if row.recalculated is not None:
            changed, gained = row.recalculated
            if gained:
                sentence = ngettext(
                    "{count} bill has a figure now that had none.",
                    "{count} bills have a figure now that had none.",
                    gained,
                )
                self.message_user(request, sentence.format(count=shown_number(gained)))
            if changed > gained:
                more = changed - gained
                sentence = ngettext(
                    "{count} bill has another figure now, or none any more.",
                    "{count} bills have another figure now, or none any more.",
                    more,
                )
                self.message_user(request, sentence.format(count=shown_number(more)))
            return
        runs = Recalculation.objects.unfinished().filter(created_at__gte=row.updated_at)
        if runs.exists():
            address = link(list_of(Recalculation), gettext("the recalculations"))
            self.message_user(
                request,
                format_html(
                    gettext("It reaches much, so a task recalculates it: see {}."), address
                ),
            )


def listed(survey: Survey, start: str) -> moves.Page:
    """A page of the facilities that a factor moves; `start` names the last one of the page before:
    its organization and itself."""
    place = Place(*map(UUID, start.split(" "))) if start else None
    found = list(islice(survey.moves(place), moves.SIZE + 1))
    more = len(found) > moves.SIZE
    shown = found[: moves.SIZE]
    following = " ".join(map(str, shown[-1][0])) if more else None
    return moves.Page([(one.facility_id, one.before, one.after) for _, one in shown], following)


def request_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """What the form has sent, to be sent again with the confirmation."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in OURS
    ]
