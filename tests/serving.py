"""The site in a thread, on a database of its own whose changes are committed: for clients that speak HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test.testcases import LiveServerThread


@contextmanager
def cloned_database(suffix: str) -> Iterator[None]:
    """A clone of the test database in its place, gone at the end. Inside of a `django_db_blocker.unblock()`."""
    owner, application = connections["owner"], connections["default"]
    name = application.settings_dict["NAME"]
    connections.close_all()
    owner.creation.clone_test_db(suffix, verbosity=0)
    application.settings_dict["NAME"] = owner.creation.get_test_db_clone_settings(suffix)["NAME"]
    try:
        yield
    finally:
        connections.close_all()
        application.settings_dict["NAME"] = name
        owner.creation.destroy_test_db(suffix=suffix, verbosity=0)


@contextmanager
def served() -> Iterator[str]:
    """The address of the site, while it is served."""
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.terminate()
