"""The rivals: the same resource in the same tables, answered the way their frameworks teach it.

They answer the same bytes for the same rows (benchmarks/http.py checks that), authenticate the same
keys and keep tenants apart. What would cost them more is left out: filters, sorting, roles, ETag,
`last_used_at`; numbers are floats.
"""
