"""Organizations, keys and tokens on the wire."""

from datetime import datetime
from typing import Any

from django.core.validators import EmailValidator
from django.utils import timezone
from rest_framework import serializers

from organizations.access.keys import MOST_HOURS, OVERLAP_HOURS
from organizations.audit.event import Event
from organizations.models import APIKey, AuditEvent, Invitation, Organization, Role
from organizations.people.inviting import MEMBER_ALREADY, invite, is_member
from organizations.rest.fields import Choice, ModelSerializer, Moment, Text, WholeNumber
from organizations.tenancy import caller


class LoginSerializer(serializers.Serializer):
    email = Text(max_length=254, help_text="In any case.")
    password = Text(max_length=1000, trim_whitespace=False, style={"input_type": "password"})


class RefreshSerializer(serializers.Serializer):
    refresh_token = Text(max_length=4000)


class TokensSerializer(serializers.Serializer):
    access_token = serializers.CharField(help_text="For `Authorization: Bearer …`.")
    refresh_token = serializers.CharField(help_text="For `/v1/auth/refresh`, once, for 30 days.")
    token_type = serializers.CharField(default="Bearer")
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lasts.")


class OrganizationSerializer(ModelSerializer):
    """The caller's organization."""

    role = serializers.SerializerMethodField(
        help_text="What the caller may do: viewer, editor, admin."
    )

    class Meta:
        model = Organization
        fields = ["id", "name", "gwp_set", "role", "created_at", "updated_at"]
        read_only_fields = fields

    def get_role(self, organization: Organization) -> str:
        return caller(self.context["request"]).role


class APIKeySerializer(ModelSerializer):
    """A key, without its secret."""

    expires_at = Moment(required=False, allow_null=True, help_text="In the future; null for never.")
    last_used_from = Text(
        read_only=True, allow_blank=True, help_text="The address; both are noted once a minute."
    )
    replaced_by = Text(
        read_only=True, allow_blank=True, help_text="The prefix of the key that follows, or null."
    )

    class Meta:
        model = APIKey
        fields = [
            "id",
            "name",
            "role",
            "prefix",
            "created_by",
            "expires_at",
            "last_used_at",
            "last_used_from",
            "replaced_by",
            "created_at",
        ]
        read_only_fields = ["prefix", "created_by", "last_used_at", "created_at"]

    def create(self, validated_data: dict[str, Any]) -> APIKey:
        creator = caller(self.context["request"]).user_id
        return APIKey.issue(created_by_id=creator, **validated_data)


class NewAPIKeySerializer(APIKeySerializer):
    """A key as its creation answers it: the only time its secret is seen."""

    key = serializers.CharField(
        read_only=True, help_text="The key itself. Keep it: it is not shown again."
    )

    class Meta(APIKeySerializer.Meta):
        fields = [*APIKeySerializer.Meta.fields, "key"]


class RotationSerializer(serializers.Serializer):
    """How long the old key goes on working."""

    overlap_hours = WholeNumber(
        default=OVERLAP_HOURS,
        min_value=0,
        max_value=MOST_HOURS,
        help_text="Hours until the old key ends; 0 ends it at once.",
    )
    expires_at = Moment(
        required=False,
        allow_null=True,
        help_text="Of the new key; left out, it lasts as long as the old one was to last.",
    )

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value and value <= timezone.now():
            raise serializers.ValidationError("This is in the past.", code="in_the_past")
        return value


class InvitationSerializer(ModelSerializer):
    """An invitation that is open."""

    email = Text(max_length=254, validators=[EmailValidator()], help_text="Who is asked in.")

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "invited_by", "expires_at", "created_at"]
        read_only_fields = ["invited_by", "expires_at", "created_at"]

    def validate_email(self, email: str) -> str:
        if is_member(caller(self.context["request"]).organization_id, email):
            raise serializers.ValidationError(MEMBER_ALREADY, code="taken")
        return email

    def create(self, validated_data: dict[str, Any]) -> Invitation:
        who = caller(self.context["request"])
        role = validated_data.get("role", Role.VIEWER)
        return invite(who.organization_id, validated_data["email"], role, who.user_id)


class NewInvitationSerializer(InvitationSerializer):
    """An invitation as its creation answers it."""

    mailed = serializers.BooleanField(read_only=True, help_text="Whether the link went by mail.")
    link = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="Where it did not: the link, to be sent by hand. It works once, for seven days.",
    )

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "mailed", "link"]


class AuditEventSerializer(ModelSerializer):
    """An event of the audit; its `hash` is made of all the rest."""

    event = Choice(choices=Event.choices, read_only=True)
    address = Text(
        read_only=True, allow_blank=True, help_text="Where it came from; null for a command."
    )
    request_id = Text(
        read_only=True, allow_blank=True, help_text="The request's `x-request-id`, if it had one."
    )
    details = serializers.DictField(
        read_only=True, help_text="What is to be known beside that, by the event."
    )
    previous_hash = serializers.CharField(
        read_only=True,
        help_text="The hash of the event before; for the first, SHA-256 of the organization's id.",
    )
    hash = serializers.CharField(
        read_only=True,
        help_text="SHA-256 of this object without `hash`, as JSON with its names sorted, without "
        "spaces, in UTF-8.",
    )

    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "number",
            "event",
            "actor",
            "address",
            "request_id",
            "object_type",
            "object_id",
            "details",
            "recorded_at",
            "previous_hash",
            "hash",
        ]
        read_only_fields = fields
