"""What a role may do."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from organizations.models import Role
from organizations.tenancy import caller

RANK = {role: rank for rank, role in enumerate(Role.values)}


class HasRole(BasePermission):
    """Reading needs `viewer`, writing `editor`, unless the view names another `required_role`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        role = caller(request).role
        default = Role.VIEWER if request.method in SAFE_METHODS else Role.EDITOR
        needed = getattr(view, "required_role", None) or default
        self.message = f"This needs the role “{needed}”; yours is “{role}”."
        return RANK[role] >= RANK[needed]
