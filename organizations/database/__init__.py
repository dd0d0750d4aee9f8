"""What Django's ORM does not do: bulk writes, exact decimals, prepared statements, JSON from SQL.

It works on any table; no module here knows what a row means or who may see it.
"""
