"""What a user of the admin may see and do: superusers everything, others by their memberships."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from organizations.access.permissions import RANK
from organizations.database import wall
from organizations.models import Membership, Role, User


def roles_of(user: Any) -> dict[UUID, str]:
    """The role of a user of the admin in each of their organizations, read once a request."""
    if not hasattr(user, "roles"):
        rows: Any = ()
        if isinstance(user, User):
            rows = Membership.objects.filter(user_id=user.pk).select_related("organization")
        with wall.seeing(wall.EVERYBODY):
            rows = list(rows)
        user.roles = {row.organization_id: row.role for row in rows}
        user.must_have_second_factor = any(row.organization.second_factor_required for row in rows)
    return user.roles


def organizations_of(user: Any, role: str = Role.VIEWER) -> list[UUID]:
    """The organizations in which a user has at least a role."""
    return [one for one, mine in roles_of(user).items() if RANK[mine] >= RANK[role]]


def seen_in_the_admin(user: Any) -> str:
    """Whose rows the database shows a user of the admin (organizations.database.wall)."""
    if not (user.is_active and user.is_staff):
        return wall.NOBODY
    return wall.EVERYBODY if user.is_superuser else wall.organizations(roles_of(user))


def is_superuser(request: HttpRequest) -> bool:
    user: Any = request.user
    return user.is_active and user.is_staff and user.is_superuser
