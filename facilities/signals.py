"""What the other apps hear of facilities that are written many at once."""

from django.dispatch import Signal

inputs_changed = Signal()
"""Of stored facilities what figures depend on was written: `ids`, and `moved`, those of them that
are in another country now. A receiver may raise ValidationError, and then nothing is stored."""
