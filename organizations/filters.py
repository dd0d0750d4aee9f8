"""How audit events are filtered."""

import django_filters

from organizations.audit.event import AuditEvent, Event
from organizations.rest.filters import ContainsFilter, MomentFilter, MultiValueFilter


class AuditEventFilter(django_filters.FilterSet):
    event = django_filters.MultipleChoiceFilter(choices=Event.choices)
    actor = ContainsFilter(label="Contains, whatever the case and the accents.")
    address = MultiValueFilter(label="Equal; repeatable.")
    request_id = MultiValueFilter(label="Equal; repeatable.")
    object_type = MultiValueFilter(label="Equal, such as `facility`; repeatable.")
    object_id = MultiValueFilter(label="Equal; repeatable.")
    created_after = MomentFilter("recorded_at", "gte", label="Recorded at or after.")
    created_before = MomentFilter("recorded_at", "lte", label="Recorded at or before.")

    class Meta:
        model = AuditEvent
        fields: list[str] = []
