-- An account that can do what session-cleanup needs, and nothing else. MySQL and MariaDB.
--
-- Change: the password, the host that cron runs on ('%' is any host), the database (app) and the table (sessions).
-- The URL is then mysql://session_cleanup:PASSWORD@HOST/app; special characters in PASSWORD are percent-encoded.

-- Login fails from the server's own host? An anonymous account (''@'localhost'), as MariaDB may have from its installation,
-- comes before '%' there: drop it, or make this account for 'localhost' too.

CREATE USER 'session_cleanup'@'%' IDENTIFIED BY 'change-me';

-- DELETE removes the rows; SELECT finds them, and shows the table's columns and keys. No other privilege is used.
-- Cancelling a statement at the timeout needs none: an account may always kill its own.
GRANT SELECT, DELETE ON app.sessions TO 'session_cleanup'@'%';

-- Foreign keys: children that are ON DELETE CASCADE or SET NULL follow without any grant. A trigger runs as its definer.
