"""Many organizations on several servers: the tables of a Citus cluster (docs/scale.md)."""
