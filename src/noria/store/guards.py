"""What the database itself refuses: to alter or remove an entry of the log of decisions.

Who owns the database can take the guard away; that is what the hash chain is for. It stops mistakes, and programs that
were never meant to write there.
"""

from sqlalchemy import Connection, text

SAID = "the log of decisions can only grow"
SQLITE = (
    f"CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{SAID}'); END",
    f"CREATE TRIGGER IF NOT EXISTS audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{SAID}'); END",
)
POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{SAID}'; END $$",
    "CREATE OR REPLACE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit"
    " FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE OR REPLACE TRIGGER audit_is_kept BEFORE TRUNCATE ON audit EXECUTE FUNCTION audit_refuse()",
)


def guard(connection: Connection) -> None:
    """Set the guard; doing it again changes nothing."""
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        connection.execute(text(statement))
