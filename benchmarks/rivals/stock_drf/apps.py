from django.apps import AppConfig


class StockDRF(AppConfig):
    name = "benchmarks.rivals.stock_drf"

    def ready(self) -> None:
        import benchmarks.rivals.stock_drf.signals  # noqa: F401
