"""A database in which tests of the log commit for real: only what is committed is sealed, purged and backed up."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A clone of the test database, thrown away afterwards."""
    owner, application = connections["owner"], connections["default"]
    with django_db_blocker.unblock():
        name = application.settings_dict["NAME"]
        connections.close_all()
        owner.creation.clone_test_db("audit", verbosity=0)
        clone = owner.creation.get_test_db_clone_settings("audit")["NAME"]
        application.settings_dict["NAME"] = owner.settings_dict["NAME"] = clone
        yield
        connections.close_all()
        application.settings_dict["NAME"] = owner.settings_dict["NAME"] = name
        owner.creation.destroy_test_db(suffix="audit", verbosity=0)
