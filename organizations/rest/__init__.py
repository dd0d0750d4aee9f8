"""The base of every tenant's resource in the API: viewsets, fields, filters, quick reads.

What one resource alone needs stays in the app of that resource.
"""
