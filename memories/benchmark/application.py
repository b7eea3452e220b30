"""The product's web application for the benchmark's server: the same, with the floor's routes beside its own."""

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

from homecare.web import make_application as make_product


class BenchmarkRequest(WSGIRequest):
    urlconf = "memories.benchmark.routes"


class BenchmarkHandler(WSGIHandler):
    request_class = BenchmarkRequest


def make_application() -> WSGIHandler:
    """What the server's process calls."""
    make_product()
    return BenchmarkHandler()
