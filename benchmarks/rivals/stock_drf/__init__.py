"""The same resources as DRF's own documentation would build them: the first rival."""
