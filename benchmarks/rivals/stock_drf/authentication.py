"""A key in a header, looked up with its organization."""

import hashlib

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.request import Request

from benchmarks.rivals.stock_drf.models import APIKey


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[APIKey, None] | None:
        key = request.headers.get("x-api-key")
        if not key:
            return None
        try:
            row = APIKey.objects.select_related("organization").get(
                digest=hashlib.sha256(key.encode()).hexdigest()
            )
        except APIKey.DoesNotExist:
            raise AuthenticationFailed("Unknown key.") from None
        if row.revoked_at or (row.expires_at and row.expires_at <= timezone.now()):
            raise AuthenticationFailed("Expired key.")
        if str(row.organization.id) != request.headers.get("x-organization-id"):
            raise NotFound("No such organization.")
        return row, None

    def authenticate_header(self, request: Request) -> str:
        return "ApiKey"
