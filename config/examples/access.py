"""People and their access as the documentation shows them."""

MOMENT = "2026-01-31T09:00:00Z"

NEW_KEY = {"name": "ERP sync", "role": "editor", "expires_at": "2036-01-01T00:00:00Z"}
KEY = {
    "id": "0199f1c2-aa66-7013-93cc-7a8b9c0d1e2f",
    **NEW_KEY,
    "prefix": "sk_live_1f2e3d4c",
    "created_by": None,
    "last_used_at": None,
    "last_used_from": None,
    "replaced_by": None,
    "created_at": MOMENT,
}
AUDIT_EVENT = {
    "id": "0199f1c2-bb77-7124-a4dd-8b9c0d1e2f3a",
    "number": 3,
    "event": "login",
    "actor": "ana@example.com",
    "address": "127.0.0.1",
    "request_id": None,
    "object_type": "user",
    "object_id": "0199f1c2-5b1c-7a18-9b31-eb0d18082a3b",
    "details": {"into": "api"},
    "recorded_at": "2026-01-31T09:00:00.123456Z",
    "previous_hash": "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
    "hash": "dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986",
}
ORGANIZATION = {
    "id": "0199f1c2-6a0d-7b29-8c42-fc0e29193a4b",
    "name": "Example Ltd",
    "gwp_set": "AR6",
    "role": "editor",
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
LOGIN = {"email": "ana@example.com", "password": "correct horse battery staple"}
TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiIs…",
    "refresh_token": "eyJhbGciOiJIUzI1NiIs…",
    "token_type": "Bearer",
    "expires_in": 3600,
}
NEW_INVITATION = {"email": "eva@example.com", "role": "editor"}
INVITATION = {
    "id": "0199f1c2-cc88-7235-b5ee-9c0d1e2f3a4b",
    **NEW_INVITATION,
    "invited_by": None,
    "expires_at": "2026-02-07T09:00:00Z",
    "created_at": MOMENT,
}
NEW_INVITATION_ANSWER = {
    **INVITATION,
    "mailed": False,
    "link": "https://co2.example.com/admin/join/?token=0199f1c2-cc88-…",
}
