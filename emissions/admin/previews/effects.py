"""A change of a facility or an organization: what it moves is shown and confirmed before it is
stored, as with a factor."""

import hashlib
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from emissions.admin.confirmation import CONFIRMED, OURS, STATE
from emissions.admin.links import page_of
from emissions.admin.previews import moves
from emissions.ledger.effects import Effect
from organizations.history import changed_fields

SALT = "emissions.admin.previews"


class AsksAboutEffect:
    """A page whose change of a row shows its effect on the figures first."""

    admin_site: Any
    opts: Any

    figures_depend_on: ClassVar[tuple[str, ...]]
    """The columns whose change moves figures."""

    def effect_of(self, stored: Any, wanted: Any) -> Effect:
        """What storing a row as it is wanted moves. Raises ValidationError for a huge figure."""
        raise NotImplementedError

    def in_between(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """First what somebody else has changed, then what it would move."""
        parent: Any = super()
        return parent.in_between(request, object_id) or self.ask_about_effect(request, object_id)

    def ask_about_effect(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """The preview; nothing if the form is refused, moves no figure, or was confirmed."""
        page: Any = self
        row = page.get_object(request, unquote(object_id)) if object_id else None
        if row is None or not page.has_change_permission(request, row):
            return None
        form = page.get_form(request, row, change=True)(request.POST, instance=row)
        if not form.is_valid():
            return None
        wanted, stored = form.instance, page.model._default_manager.get(pk=row.pk)
        names = self.figures_depend_on
        if all(getattr(stored, name) == getattr(wanted, name) for name in names):
            return None
        effect = self.effect_of(stored, wanted)
        if not effect.consumptions:
            return None
        seen = digest(request, wanted, names, effect)
        if CONFIRMED in request.POST and request.POST.get(STATE) == seen:
            return None
        if CONFIRMED in request.POST and not moves.asked_for(request):
            sentence = gettext("What it moves has changed since you saw it; here is how it is now.")
            messages.warning(request, sentence)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Save {row}?").format(row=stored),
            "opts": self.opts,
            "row": stored,
            "fields": changed_fields(stored, wanted),
            "effect": effect,
            "change": effect.after.minus(effect.before),
            "years": sorted(effect.years.items()),
            "hidden": [
                (name, value)
                for name, values in request.POST.lists()
                for value in values
                if name not in OURS
            ],
            "state": seen,
            "back": page_of(stored),
        }
        if moves.asked_for(request):
            whose = getattr(stored, "organization_id", stored.pk)
            return moves.answer(
                self, request, context, whose, lambda start: listed(effect, start), effect.moves
            )
        return TemplateResponse(request, "admin/emissions/previews/effect.html", context)


def listed(effect: Effect, start: str) -> moves.Page:
    """A page of the facilities that an effect moves, those that move most first."""
    every = effect.moves()
    first = int(start) if start.isdecimal() else 0
    last = first + moves.SIZE
    return moves.Page(every[first:last], str(last) if last < len(every) else None)


def digest(request: HttpRequest, wanted: Any, names: tuple[str, ...], effect: Effect) -> str:
    """What was shown, signed for who saw it: it is confirmed only while it is still so."""
    typed = [getattr(wanted, name) for name in names]
    found = (request.user.pk, wanted.pk, typed, effect.consumptions, effect.moves())
    return signing.Signer(salt=SALT).sign(hashlib.sha256(repr(found).encode()).hexdigest())
