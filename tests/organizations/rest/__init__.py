"""Bodies, parameters, versions and reads, whatever the resource."""
