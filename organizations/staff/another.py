"""“Save and add another” begins with what the next row has in common with the one before it."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


class AddsAnother:
    """A page whose next form keeps some fields of the row that was just stored."""

    kept_for_next: ClassVar[tuple[str, ...]] = ()
    opts: Any

    def next_form(self, row: Any) -> str:
        """The form of a new row, filled with what it keeps of this one."""
        fields = {
            name: row._meta.get_field(name).value_from_object(row) for name in self.kept_for_next
        }
        kept = urlencode({name: value for name, value in fields.items() if value not in ("", None)})
        return f"{reverse(f'admin:{self.opts.app_label}_{self.opts.model_name}_add')}?{kept}"

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> Any:
        parent: Any = super()
        return self.answered(request, obj, parent.response_add(request, obj, *args, **kwargs))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        parent: Any = super()
        return self.answered(request, obj, parent.response_change(request, obj))

    def answered(self, request: HttpRequest, row: Any, answer: HttpResponse) -> HttpResponse:
        """The answer to a save that has been made."""
        if "_addanother" in request.POST:
            return HttpResponseRedirect(self.next_form(row))
        return answer
