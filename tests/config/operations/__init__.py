"""The logs and the metrics; the probes are with the pages."""
