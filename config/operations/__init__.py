"""What whoever runs the service looks at: the probes, the logs and the metrics."""
