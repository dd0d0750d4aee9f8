"""Who sees what in the admin, and the base of its pages.

Superusers see everything. Other staff see the organizations they are members of, and do there what
their role says: the same roles, and the same querysets, as in the API. Every list, choice,
autocomplete, export, chart and page starts from `visible()`.
"""

from organizations.staff.cells import in_one_line, mass, named, number, plain
from organizations.staff.deleting import SoftDeleteAdmin
from organizations.staff.lists import (
    CappedPaginator,
    DeletedFilter,
    OrganizationFilter,
    ScopedFilter,
)
from organizations.staff.pages import (
    ReadOnly,
    SuperuserAdmin,
    TenantAdmin,
    TenantInline,
)
from organizations.staff.refusals import refusing
from organizations.staff.roles import is_superuser, organizations_of

__all__ = [
    "CappedPaginator",
    "DeletedFilter",
    "OrganizationFilter",
    "ReadOnly",
    "ScopedFilter",
    "SoftDeleteAdmin",
    "SuperuserAdmin",
    "TenantAdmin",
    "TenantInline",
    "in_one_line",
    "is_superuser",
    "mass",
    "named",
    "number",
    "organizations_of",
    "plain",
    "refusing",
]
