# Sessions of Django on the database of the URL, by Django itself. What to do is the second argument, the answer is JSON:
# `make` logs in, `find` tells which of the keys that follow it still knows, `clear` is Django's own clean-up.
import json
import sys
import time
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.core.management import call_command

url, task, *keys = sys.argv[1:]
parts = urlsplit(url)
if url.startswith("sqlite:"):
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path}
else:
    database = {
        "ENGINE": "django.db.backends." + ("mysql" if parts.scheme == "mysql" else "postgresql"),
        "HOST": parts.hostname,
        "PORT": parts.port or "",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": parts.path[1:],
    }
settings.configure(
    DATABASES={"default": database},
    INSTALLED_APPS=["django.contrib.sessions"],
    USE_TZ=True,
    TIME_ZONE="Asia/Tokyo",
    SECRET_KEY="secret",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from django.contrib.sessions.backends.db import SessionStore  # noqa: E402

HOUR = 3600


def log_in(seconds):
    session = SessionStore()
    session["user"] = "somebody"
    session.set_expiry(seconds)
    session.save()
    return session.session_key


if task == "make":
    call_command("migrate", verbosity=0)
    # Until the browser closes, an hour, two weeks; over since a moment, an hour, a month; and one that runs out meanwhile.
    made = {
        "live": [log_in(seconds) for seconds in (0, HOUR, 14 * 24 * HOUR)],
        "expired": [log_in(seconds) for seconds in (-2, -HOUR, -30 * 24 * HOUR, 1)],
    }
    time.sleep(2)
    print(json.dumps(made))
elif task == "find":
    print(json.dumps([key for key in keys if SessionStore(key).get("user") == "somebody"]))
elif task == "clear":
    call_command("clearsessions")
    print("null")
