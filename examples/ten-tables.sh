#!/bin/sh
# Ten tables of one database, ten entries in the user's crontab: each has a name, a minute of its own, and a mail of its
# own when it fails. Run it again after a change: an entry of the same name is replaced.
#
# Change: the path of the URL, and the lines between JOBS: a name, and the flags of session-cleanup run for that table.
# Undo: session-cleanup schedule --remove --name sessions, and so on.
#
# Each run is checked before it is installed. One that would fail is left out, and named on stderr; the others go on.
url=/etc/session-cleanup/url
status=0
while read -r name flags; do
  # $flags is several words.
  # shellcheck disable=SC2086
  session-cleanup schedule --install --name "$name" --db-url-file "$url" $flags </dev/null || status=$?
done <<'JOBS'
sessions        --store django
carts           --table carts --expires-column expires
invitations     --table invitations
api-tokens      --table api_tokens
password-resets --table password_resets --older-than 1h
email-codes     --table email_codes
remember-me     --table remember_me --older-than 30d --expires-column last_used
downloads       --table downloads --batch-size 5000
idempotency     --table idempotency_keys --every 1h
locks           --table locks --every 15m
JOBS
exit "$status"
