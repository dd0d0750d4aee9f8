"""What models, columns, choices and help texts are called, in the language of the page.

Django makes most of these names from attributes (`start_date` → “start date”), so that no source
has a text to mark. They are made translatable here, once, when the apps have been loaded. No
migration sees it, and where the language is English, as in the API, they are what they were.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy

OURS = ("organizations", "facilities", "emissions")


def models_of(labels: Iterable[str] = OURS) -> list[Any]:
    return [model for label in labels for model in apps.get_app_config(label).get_models()]


def make_translatable() -> None:
    """Puts a translation in the place of every name."""
    for model in models_of():
        for thing, name, text in names_of(model):
            if type(text) is str or name == "verbose_name_plural":
                setattr(thing, name, gettext_lazy(str(text)))
        for field in model._meta.fields:
            if isinstance(field.choices, list):
                field.choices = [
                    (value, gettext_lazy(label) if type(label) is str else label)
                    for value, label in field.flatchoices
                ]


def texts_of(model: Any) -> Iterator[str]:
    """What is to be translated of a model, in English."""
    if not hasattr(model, "history_object"):
        yield from (str(text) for _, _, text in names_of(model))
    for field in model._meta.fields:
        if isinstance(field.choices, list):
            yield from (str(label) for value, label in field.flatchoices if value)


def names_of(model: Any) -> Iterator[tuple[Any, str, Any]]:
    """Object, attribute and text of every name."""
    owners: list[tuple[Any, tuple[str, ...]]] = [
        (model._meta, ("verbose_name", "verbose_name_plural"))
    ]
    fields = [*model._meta.fields, *model._meta.many_to_many]
    owners += [(one, ("verbose_name", "help_text")) for one in fields]
    owners += [(one, ("violation_error_message",)) for one in model._meta.constraints]
    for thing, attributes in owners:
        for name in attributes:
            if text := getattr(thing, name, ""):
                yield thing, name, text
