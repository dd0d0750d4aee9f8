"""What a facility consumes, and the column that holds which of it counts."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from django import forms
from django.db import models


class Category(models.TextChoices):
    """`recharge` is refrigerant refilled, not EV charging."""

    HEAT = "heat"
    ELECTRICITY = "electricity"
    WATER = "water"
    RECHARGE = "recharge"


ORDER = tuple(Category.values)


def ordered(categories: Iterable[str]) -> list[str]:
    """The categories once each, in the order of `Category`."""
    chosen = set(categories)
    return [category for category in ORDER if category in chosen]


def all_categories() -> list[str]:
    return list(Category.values)


COMBINATIONS = [
    ",".join(chosen)
    for length in range(len(Category.values) + 1)
    for chosen in combinations(Category.values, length)
]
"""Every value the column may hold, for its database constraint."""


class CategoriesField(models.CharField):
    """A list of categories, stored as text in their own order: "heat,electricity"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", len(",".join(Category.values)))
        kwargs.setdefault("default", all_categories)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> list[str] | None:
        return value if value is None else self.to_python(value)

    def to_python(self, value: Any) -> list[str]:
        if isinstance(value, str):
            value = value.split(",") if value else []
        return ordered(value)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return ",".join(ordered(value))

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj))

    def formfield(self, **kwargs: Any) -> Any:
        return forms.MultipleChoiceField(
            choices=Category.choices,
            widget=forms.CheckboxSelectMultiple,
            required=False,
            initial=all_categories,
            label=kwargs.get("label", "Categories"),
            help_text=self.help_text,
        )

    def validate(self, value: Any, model_instance: Any) -> None:
        """Nothing more: `to_python` keeps known categories alone, and none is a choice too."""

    def run_validators(self, value: Any) -> None:
        super().run_validators(self.get_prep_value(value))
