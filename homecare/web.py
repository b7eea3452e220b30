"""The web application for a server whose processes must not outlive each other."""

import gc

from django.core.handlers.wsgi import WSGIHandler

from homecare.children import die_with_parent
from homecare.wsgi import application  # first: it names the settings
from memories.embedding import load_embedder


def make_application() -> WSGIHandler:
    """What each process of the server calls.

    A killed server would leave its processes behind, holding the port: they are asked to end with it. What is loaded
    by now stays for good: the collector need not look through it at every turn.
    """
    die_with_parent()
    load_embedder()
    gc.freeze()
    return application
