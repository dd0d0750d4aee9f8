from django.db import migrations
from django.db.migrations.operations.base import Operation

from organizations.database.wall import Walled

BY_KEY = """
CREATE OR REPLACE FUNCTION caller_by_key(wanted text, now timestamptz)
RETURNS TABLE (id uuid, organization_id uuid, role text, last_used_at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('facilities.rows_of', 'everybody', true);
    SELECT k.id, k.organization_id, k.role, k.last_used_at
    INTO id, organization_id, role, last_used_at
    FROM organizations_apikey AS k
    WHERE k.digest = wanted AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now);
    PERFORM set_config('facilities.rows_of', coalesce('{' || organization_id || '}', ''), false);
    IF id IS NOT NULL THEN
        RETURN NEXT;
    END IF;
END $$
"""
"""Who calls with a key; from here on the connection sees the rows of the key's organization."""

BY_TOKEN = """
CREATE OR REPLACE FUNCTION caller_by_token(wanted uuid, wanted_organization uuid)
RETURNS TABLE (password text, role text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('facilities.rows_of', 'everybody', true);
    SELECT u.password, m.role INTO password, role
    FROM organizations_user AS u
    LEFT JOIN organizations_membership AS m
    ON m.user_id = u.id AND m.organization_id = wanted_organization
    WHERE u.id = wanted AND u.is_active;
    PERFORM set_config(
        'facilities.rows_of',
        CASE WHEN role IS NULL THEN '' ELSE '{' || wanted_organization || '}' END,
        false
    );
    IF password IS NOT NULL THEN
        RETURN NEXT;
    END IF;
END $$
"""
"""The password of an active user, and the role in an organization, whose rows the connection sees
from here on where there is one."""


class Functions(Operation):
    """The two questions that are asked before it is known whose rows may be seen."""

    reversible = True

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, *args):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(BY_KEY, params=None)
            schema_editor.execute(BY_TOKEN, params=None)

    def database_backwards(self, app_label, schema_editor, *args):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute("DROP FUNCTION IF EXISTS caller_by_key", params=None)
            schema_editor.execute("DROP FUNCTION IF EXISTS caller_by_token", params=None)

    def describe(self):
        return "Functions that authenticate"


class Migration(migrations.Migration):
    dependencies = [("organizations", "0012_import_by_worker")]

    operations = [
        Functions(),
        Walled("organizations_organization", column="id"),
        Walled(
            "organizations_apikey",
            "organizations_auditevent",
            "organizations_idempotentanswer",
            "organizations_import",
            "organizations_importblock",
            "organizations_importlayout",
            "organizations_membership",
        ),
    ]
