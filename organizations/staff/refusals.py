"""What the rules or the database refuse, as a sentence on the page it came from."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext

from organizations.tenancy import in_the_way


def refusing(request: HttpRequest, view: Any) -> HttpResponse:
    """Runs a page; what the rules or the database refuse comes back as a message."""
    try:
        return view()
    except ValidationError as error:
        sentence = " ".join(error.messages)
    except IntegrityError:
        sentence = gettext("Somebody else has just stored something that this one collides with.")
    except OperationalError as error:
        if not in_the_way(error):
            raise
        sentence = gettext("Another write was in the way; send this one again.")
    messages.error(request, gettext("Nothing has been saved. {sentence}").format(sentence=sentence))
    if request.headers.get("HX-Request"):  # a part of a page cannot show it: the page goes there
        return HttpResponse(headers={"HX-Redirect": request.get_full_path()})
    return HttpResponseRedirect(request.get_full_path())
