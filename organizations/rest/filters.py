"""Filtering and sorting of lists: what a list does not know, it refuses (422)."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db import connection, models
from django.db.models import F, QuerySet, Value
from django.db.models.functions import NullIf
from django.http import QueryDict
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from organizations.rest.fields import ISO_DATE, as_detail, none_of

SORT = "sort"
CURSOR, INCLUDE_DELETED = "cursor", "include_deleted"
UNESCAPED_OFFSET = re.compile(r" (\d\d:?\d\d)$")
PAGING = {"page", "size"}
NEWEST_FIRST = ("-created_at", "-id")


def plain_names(params: QueryDict) -> QueryDict:
    """The query with `status[]=a` read as `status=a`."""
    plain = QueryDict(mutable=True)
    for name, values in params.lists():
        plain.setlistdefault(name.removesuffix("[]")).extend(values)
    return plain


def chooses(params: QueryDict) -> bool:
    """Whether a query asks a list for more than its page, for good or ill."""
    return any(
        name not in PAGING or len(values) > 1 for name, values in plain_names(params).lists()
    )


def known_to_lists(view: Any) -> set[str]:
    """The parameters that a list takes beside its filters."""
    copying: set[str] = getattr(view, "copy_parameters", set())
    return PAGING | copying | ({SORT} if view.sort_fields else set())


def refuse_unknown(params: QueryDict, known: set[str], repeatable: set[str]) -> None:
    """Raises ValidationError naming each parameter that is unknown, or repeated but single."""
    errors: dict[str, list[str]] = {}
    for name, values in params.lists():
        if name not in known:
            allowed = ", ".join(sorted(known))
            errors[name] = [f"There is no such parameter. There are: {allowed}."]
        elif len(values) > 1 and name not in repeatable:
            errors[name] = ["Give this parameter once."]
    if errors:
        raise ValidationError(errors, code="invalid_parameter")


class MultiValueField(forms.CharField):
    """Every value of a repeated parameter, each checked as one value."""

    widget = forms.SelectMultiple

    def clean(self, value: Any) -> list[Any]:
        return [super(MultiValueField, self).clean(one) for one in value or []]


class MultiValueFilter(django_filters.Filter):
    """Equal to any of the given values; `normalise` brings one to its stored form."""

    field_class = MultiValueField

    def __init__(self, *args: Any, normalise: Any = str, **kwargs: Any) -> None:
        self.normalise = normalise
        super().__init__(*args, required=False, **kwargs)

    @property
    def field(self) -> forms.Field:
        field = super().field
        field.to_python = lambda value: self.normalise(str(value))
        return field

    def filter(self, qs: QuerySet, value: list[Any]) -> QuerySet:
        if not value:
            return qs
        return self.get_method(qs)(**{f"{self.field_name}__in": value})


class ContainsFilter(django_filters.CharFilter):
    """Contains the text, whatever the case, the accents and the Unicode form."""

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        return qs.filter(**{f"{self.field_name}__mentions": value}) if value else qs


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, with `x[]=`, repetition, and 422 for every unknown name or value."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: APIView) -> QuerySet:
        filterset = self.checked(request, queryset, view)
        if filterset is None:
            refuse_unknown(plain_names(request.query_params), known_to_lists(view), set())
            return queryset
        return filterset.qs

    def checked(self, request: Request, queryset: QuerySet, view: APIView) -> Any:
        """The view's filterset, None where it has none. Raises ValidationError, which names every
        parameter that is wrong, those of the page and the order too."""
        self.errors: dict[str, Any] = {}
        filterset = self.get_filterset(request, queryset, view)
        if filterset is not None:
            say_what_helps(filterset.form)
        if filterset is not None and not filterset.is_valid():
            self.errors |= as_detail(forms.ValidationError(filterset.errors.as_data()))
        if paginator := getattr(view, "paginator", None):
            self._try(lambda: paginator.asked_size(request))
            self._try(lambda: paginator.asked(request))
        if getattr(view, "sort_fields", None):
            self._try(lambda: list(sort_terms(request, view)))
        if self.errors:
            raise ValidationError(self.errors)
        return filterset

    def _try(self, check: Callable[[], Any]) -> None:
        """Notes what a check finds wrong."""
        try:
            check()
        except ValidationError as error:
            found: Any = error.detail
            self.errors |= found

    def get_filterset_kwargs(self, request: Request, queryset: QuerySet, view: APIView) -> dict:
        kwargs = super().get_filterset_kwargs(request, queryset, view)
        params = plain_names(kwargs["data"])
        filters = self.get_filterset_class(view, queryset).base_filters
        multiple = (MultiValueFilter, django_filters.MultipleChoiceFilter)
        known = known_to_lists(view) | set(filters)
        repeatable = {name for name, one in filters.items() if isinstance(one, multiple)}
        self._try(lambda: refuse_unknown(params, known, repeatable))
        blank = [
            name
            for name, values in params.lists()
            if "" in values
            and name != CURSOR  # an empty one begins a copy
            and not isinstance(filters.get(name), ContainsFilter | MultiValueFilter)
        ]
        for name in blank:
            self.errors[name] = [ErrorDetail("Give a value, or leave it out.", code="invalid")]
        return {**kwargs, "data": params}


def say_what_helps(form: forms.Form) -> None:
    """Lets the errors of a form say what may stand in their field."""
    for field in form.fields.values():
        if isinstance(field, forms.ChoiceField):
            choices: Any = field.choices
            values = [value for value, _ in choices if value != ""]
            field.error_messages["invalid_choice"] = none_of("%(value)s", values)
        elif isinstance(field, forms.DecimalField):
            field.error_messages["invalid"] = "Write a number like 1234.5."


def sort_terms(request: Request, view: Any) -> Iterator[tuple[str, bool]]:
    """The fields to sort by, and whether each is descending. Raises ValidationError."""
    asked, seen = plain_names(request.query_params).get(SORT), set()
    for term in asked.split(",") if asked is not None else ():
        name = term.strip().removeprefix("-")
        if name not in view.sort_fields or name in seen:
            known = ", ".join(view.sort_fields)
            sentence = (
                f"“{term[:64]}” is no field to sort by, or is named twice. There are: {known}."
            )
            raise ValidationError({SORT: [sentence]}, code="invalid_parameter")
        seen.add(name)
        yield name, term.strip().startswith("-")


def sortable(queryset: QuerySet, name: str) -> Any:
    """A column to sort by; what reads null because it is blank sorts as null."""
    field = queryset.model._meta.get_field(name)
    blank = isinstance(field, models.CharField) and field.blank
    return NullIf(F(name), Value("")) if blank else F(name)


class SortBackend(BaseFilterBackend):
    """`sort=name,-co2e`: by the view's `sort_fields`, ties by age, newest first; nulls last."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        order = []
        for name, descending in sort_terms(request, view):
            column = sortable(queryset, view.sort_fields[name])
            order.append(
                column.desc(nulls_last=True) if descending else column.asc(nulls_last=True)
            )
        return queryset.order_by(*order, *getattr(view, "newest_first", NEWEST_FIRST))

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": SORT,
                "in": "query",
                "required": False,
                "description": "Fields to sort by, separated by commas, `-` for descending: "
                + ", ".join(f"`{name}`" for name in view.sort_fields)
                + ". The default is newest first.",
                "schema": {"type": "string"},
                "example": "-created_at",
            }
        ]


class MomentField(IsoDateTimeField):
    """A point in time; the + of its offset may have been left unescaped, which reads as a space."""

    default_error_messages = {"invalid": "Write a moment like 2024-02-29T12:00:00Z."}

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = UNESCAPED_OFFSET.sub(r"+\1", value)
        try:
            moment = super().to_python(value)
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise forms.ValidationError("Give a moment of the years 1 to 9999.") from error


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = MomentField


class DayField(forms.DateField):
    """As strict as a body's dates: strptime alone would take 2024-1-1 and digits of any script."""

    default_error_messages = {"invalid": "Write a day of the calendar like 2024-02-29."}

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and not ISO_DATE.fullmatch(value):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class DayFilter(django_filters.DateFilter):
    """A calendar day as YYYY-MM-DD."""

    field_class = DayField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, input_formats=["%Y-%m-%d"], **kwargs)


class MultiCodeFilter(MultiValueFilter):
    """Any of the given codes, by the index of those that are set.

    SQLite would rather walk a whole list in its order than sort the few that are found: it is given
    their ids.
    """

    def filter(self, qs: QuerySet, value: list[Any]) -> QuerySet:
        found = super().filter(qs, value)
        if not value or not all(value):
            return found
        found = found.filter(**{f"{self.field_name}__is_set": True})
        if connection.vendor != "sqlite":
            return found
        return qs.filter(pk__in=list(found.order_by().values_list("pk", flat=True)))


class MultiIdFilter(MultiValueFilter):
    """Any of the given UUIDs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, normalise=as_uuid, **kwargs)


def as_uuid(value: str) -> UUID:
    """A UUID from its text. Raises ValidationError."""
    try:
        return UUID(value)
    except ValueError as error:
        raise forms.ValidationError(f"“{value[:64]}” is not a UUID.", code="invalid") from error
