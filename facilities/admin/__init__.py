"""Facilities in the admin, with their CUPS and meters."""

from facilities.admin.facilities import CountryFilter, FacilityAdmin, country_choices

__all__ = ["CountryFilter", "FacilityAdmin", "country_choices"]
