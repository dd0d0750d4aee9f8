from django.apps import AppConfig


class EmissionsConfig(AppConfig):
    name = "emissions"

    def ready(self) -> None:
        from emissions.signals import connect

        connect()
