"""`python -m homecare.postgres start|stop|status|urls|destroy`, for the server of this checkout."""

import argparse
import sys

from .cluster import Cluster
from .unavailable import PostgresUnavailable


def main() -> int:
    """Returns 0, 1 when it cannot be done, 3 when the asked status is not "answering"."""
    parser = argparse.ArgumentParser(prog="python -m homecare.postgres", description=__doc__)
    parser.add_argument("command", choices=["start", "stop", "status", "urls", "destroy"])
    command = parser.parse_args().command
    cluster = Cluster()
    try:
        if command == "urls":
            print(f"DATABASE_OWNER_URL={cluster.urls.owner}\nDATABASE_URL={cluster.urls.application}")
        elif command != "status":
            getattr(cluster, command)()
    except PostgresUnavailable as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{cluster.folder}: {'answering' if cluster.is_answering else 'not running'}", file=sys.stderr)
    return 3 if command == "status" and not cluster.is_answering else 0


if __name__ == "__main__":
    sys.exit(main())
