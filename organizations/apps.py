from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"

    def ready(self) -> None:
        from organizations.audit.receivers import connect
        from organizations.database import lookups, search

        lookups.register()
        search.register()
        connect()
