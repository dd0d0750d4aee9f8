"""The base of the admin's forms."""

from django import forms
from django.core.exceptions import ValidationError


class RowForm(forms.ModelForm):
    """A form whose refusals are the model's own sentences, as in the API.

    Django would put the form field's words in place of a sentence whose code it knows.
    """

    def _update_errors(self, errors: ValidationError) -> None:
        self.add_error(None, errors)
