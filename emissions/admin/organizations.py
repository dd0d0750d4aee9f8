"""An organization's page: its other GWP set shows what it moves before it is stored."""

from django.contrib import admin

from emissions.admin.previews.effects import AsksAboutEffect
from emissions.ledger.effects import Effect, effect_of_gwp_set
from organizations.admin.people import OrganizationAdmin
from organizations.models import Organization


class EmittingOrganizationAdmin(AsksAboutEffect, OrganizationAdmin):
    """The same page, asking before refrigerants are recalculated."""

    figures_depend_on = ("gwp_set",)

    def effect_of(self, stored: Organization, wanted: Organization) -> Effect:
        return effect_of_gwp_set(stored, wanted.gwp_set)


admin.site.unregister(Organization)
admin.site.register(Organization, EmittingOrganizationAdmin)
