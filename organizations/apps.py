from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = _("Organizations")

    def ready(self) -> None:
        from organizations.audit.receivers import connect
        from organizations.database import lookups, search
        from organizations.staff.model_names import make_translatable

        lookups.register()
        search.register()
        connect()
        make_translatable()
