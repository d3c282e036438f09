# Django's own clearsessions on the database of the URL: sqlite:path, mysql://user:password@host:port/name or postgresql://….
import sys
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.core.management import call_command

url = sys.argv[1]
parts = urlsplit(url)
if url.startswith("sqlite:"):
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path}
else:
    database = {
        "ENGINE": "django.db.backends." + {"mysql": "mysql", "postgres": "postgresql", "postgresql": "postgresql"}[parts.scheme],
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
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()
call_command("clearsessions")
