"""Refresh tokens: each works once, and one that comes twice ends everything that follows from it.

A log-in begins a family of tokens. Each refresh replaces the family's refresh token; who sends one
that has been replaced is not the only one who has it, so the family ends: its access tokens too,
with the next request. A row is a family that lives; all processes share them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuid
from django.db import models
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

FAMILY = "family"
"""The claim of both tokens that names their family."""

CLEARED_AT_ONCE = 100
"""Families that have run out which one log-in clears away."""


class TokenFamily(models.Model):
    """A person who is logged in to the API. No token is stored, only the newest one's number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    user = models.ForeignKey(
        "organizations.User", models.CASCADE, related_name="token_families", editable=False
    )
    newest = models.CharField(max_length=32, help_text="The `jti` of the only one that works.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    ON_EVERY_NODE = "it belongs to a person, and is looked up with them"

    class Meta:
        verbose_name = "token family"
        verbose_name_plural = "token families"
        indexes = [models.Index(fields=["expires_at"], name="token_family_oldest")]

    def __str__(self) -> str:
        return f"{self.user_id} · since {self.created_at:%Y-%m-%d %H:%M}"

    @classmethod
    def begin(cls, user: Any) -> RefreshToken:
        """The first refresh token of a person who has just logged in."""
        now = timezone.now()
        old = cls.objects.filter(expires_at__lte=now).values_list("pk", flat=True)
        cls.objects.filter(pk__in=list(old[:CLEARED_AT_ONCE])).delete()
        family = cls(user=user)
        token = family.next_token(user)
        family.newest, family.expires_at = token["jti"], expiry(now)
        family.save(force_insert=True)
        return token

    @classmethod
    def rotate(cls, user: Any, token: RefreshToken) -> RefreshToken | None:
        """The token that replaces this one; None where it has been replaced, or its family ended.

        Of two requests that send one token at once, one gets the next.
        """
        family = cls(pk=family_of(token), user=user)
        following = family.next_token(user)
        mine = cls.objects.filter(pk=family.pk, user=user)
        if mine.filter(newest=token["jti"]).update(
            newest=following["jti"], expires_at=expiry(timezone.now())
        ):
            return following
        return None

    def next_token(self, user: Any) -> RefreshToken:
        token = RefreshToken.for_user(user)
        token[FAMILY] = str(self.pk)  # access tokens copy it
        return token


def family_of(token: RefreshToken) -> UUID:
    """The family of a token. Raises KeyError or ValueError for one that names none."""
    return UUID(str(token[FAMILY]))


def end_family(family_id: UUID) -> bool:
    """Ends a family; False if it had ended already."""
    ended, _ = TokenFamily.objects.filter(pk=family_id).delete()
    return bool(ended)


def expiry(now: datetime) -> datetime:
    """When a refresh token that is made now runs out."""
    return now + api_settings.REFRESH_TOKEN_LIFETIME
