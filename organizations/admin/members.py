"""One page for an organization's members: their roles, invitations, removing, leaving."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext

from organizations.models import Invitation, Membership, Organization, Role, User
from organizations.people.inviting import deliver, invite, withdraw
from organizations.staff import is_superuser, organizations_of

PAGE = "organizations_membership_members"


def roles() -> list[tuple[str, str]]:
    """Every role with its name in the language of the page."""
    return [(one.value, str(one.label)) for one in Role]


class InviteForm(forms.Form):
    email = forms.EmailField(max_length=254)
    role = forms.ChoiceField(choices=roles)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=roles)


class MembersPage:
    """Admins invite, change roles and remove; everybody may leave; superusers may do all of it."""

    admin_site: Any

    def get_urls(self) -> list[Any]:
        parent: Any = super()
        view = self.admin_site.admin_view(self.members)
        return [path("members/", view, name=PAGE), *parent.get_urls()]

    def has_members_permission(self, request: HttpRequest) -> bool:
        """Whether the page is of use: to whoever is in an organization."""
        return bool(is_superuser(request) or organizations_of(request.user))

    def members(self, request: HttpRequest) -> HttpResponse:
        if not self.has_members_permission(request):
            raise PermissionDenied
        mine = Organization.objects.all()
        if not is_superuser(request):
            mine = mine.filter(pk__in=organizations_of(request.user))
        asked = request.GET.get("organization", "")
        one = mine.filter(pk=asked).first() if is_uuid(asked) else mine.first()
        if one is None:
            raise PermissionDenied
        may = is_superuser(request) or one.pk in organizations_of(request.user, Role.ADMIN)
        if request.method == "POST":
            return self.carried_out(request, one, may)
        return self.page(request, one, may)

    def page(
        self, request: HttpRequest, one: Organization, may: bool, **context: Any
    ) -> HttpResponse:
        """An admin sees everybody; others see themselves, and may leave."""
        user: Any = request.user
        rows = Membership.objects.filter(organization=one).select_related("user")
        if not may:
            rows = rows.filter(user=user.pk)
        others = Organization.objects.filter(pk__in=organizations_of(user)).exclude(pk=one.pk)
        open_ones = Invitation.objects.for_organization(one.pk).select_related("invited_by")
        title = gettext("Members of {name}").format(name=one.name)
        context = {
            "form": InviteForm(),
            "open": open_ones.filter(expires_at__gt=timezone.now()) if may else (),
            **context,
            **self.admin_site.each_context(request),
            "title": title,
            "content_title": title,
            "organization": one,
            "others": others,
            "members": rows.order_by("user__email"),
            "may": may,
            "roles": roles(),
        }
        response = TemplateResponse(request, "admin/organizations/members.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def carried_out(self, request: HttpRequest, one: Organization, may: bool) -> HttpResponse:
        """What a button does. A refusal is a sentence on the page."""
        what = request.POST.get("what", "")
        user: Any = request.user
        if what != "leave" and not may:
            raise PermissionDenied
        back = redirect(f"{reverse(f'admin:{PAGE}')}?organization={one.pk}")
        try:
            if what in ("invite", "link"):
                return self.invited(request, one, what)
            done = self.done(request, one, what)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return back
        messages.success(request, done)
        left = what in ("leave", "remove") and not (
            is_superuser(request) or Membership.objects.filter(user=user, organization=one).exists()
        )
        return redirect("admin:index") if left else back

    def done(self, request: HttpRequest, one: Organization, what: str) -> str:
        """Does it, and says what was done. Raises ValidationError, and PermissionDenied."""
        if what == "withdraw":
            row = self.chosen(request, Invitation.objects.for_organization(one.pk))
            withdraw(row)
            return gettext("The invitation of {email} is withdrawn.").format(email=row.email)
        rows = Membership.objects.filter(organization=one).select_related("user")
        if what == "leave":
            own: Any = request.user
            row = rows.filter(user=own.pk).first()
            if row is None:
                raise PermissionDenied
            row.delete()
            return gettext("You have left {name}.").format(name=one.name)
        row = self.chosen(request, rows)
        if what == "remove":
            row.delete()
            return gettext("{email} is no member any more.").format(email=row.user.email)
        form = RoleForm(request.POST)
        if what != "role" or not form.is_valid():
            raise ValidationError(gettext("Choose a role."))
        if request.POST.get("was", row.role) != row.role:
            raise ValidationError(
                gettext("{email} has become {role} meanwhile. Look, and choose again.").format(
                    email=row.user.email, role=row.get_role_display().lower()
                )
            )
        row.role = form.cleaned_data["role"]
        row.save(update_fields=["role"])
        return gettext("{email} is now {role}.").format(
            email=row.user.email, role=row.get_role_display().lower()
        )

    def chosen(self, request: HttpRequest, rows: Any) -> Any:
        """The row of this organization that a button names."""
        asked = request.POST.get("row", "")
        row = rows.filter(pk=asked).first() if is_uuid(asked) else None
        if row is None:
            raise ValidationError(gettext("This is gone already."))
        return row

    def invited(self, request: HttpRequest, one: Organization, what: str) -> HttpResponse:
        """Invites somebody, or shows an open invitation's link again."""
        if what == "link":
            row = self.chosen(request, Invitation.objects.for_organization(one.pk))
            row.link = row.address(request)
            return self.page(request, one, True, invited=row)
        form = InviteForm(request.POST)
        if not form.is_valid():
            return self.page(request, one, True, form=form)
        who: Any = request.user
        by = who.pk if isinstance(who, User) else None
        row = invite(one.pk, form.cleaned_data["email"], form.cleaned_data["role"], by)
        return self.page(request, one, True, invited=deliver(row, request))


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
