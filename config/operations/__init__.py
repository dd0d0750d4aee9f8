"""For whoever runs the service: how it begins, the probes, the logs and the metrics."""
