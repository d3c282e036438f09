-- An account that can do what session-cleanup needs, and nothing else. PostgreSQL.
--
-- Change: the password, the database (app), the schema (public), the table (sessions) and its expiry column (expires_at).
-- Run it in that database, as the owner of the table or a superuser: psql -d app -f postgresql-grants.sql
-- The URL is then postgresql://session_cleanup:PASSWORD@HOST/app; special characters in PASSWORD are percent-encoded.
-- pg_hba.conf has to let the account in from the host that cron runs on.

CREATE ROLE session_cleanup LOGIN PASSWORD 'change-me';

GRANT CONNECT ON DATABASE app TO session_cleanup;
GRANT USAGE ON SCHEMA public TO session_cleanup;

-- DELETE removes the rows, SELECT finds them. UPDATE of the one column lets a run pass over rows that others hold locked
-- (FOR UPDATE SKIP LOCKED wants it); nothing is ever updated. Cancelling a statement at the timeout needs no right.
GRANT SELECT, DELETE, UPDATE (expires_at) ON public.sessions TO session_cleanup;

-- Only for --max-lag without --replica: GRANT pg_monitor TO session_cleanup;
-- Foreign keys: children that are ON DELETE CASCADE or SET NULL follow without any grant. A trigger runs as session_cleanup,
-- unless its function is SECURITY DEFINER: what it writes to needs a grant, too.
