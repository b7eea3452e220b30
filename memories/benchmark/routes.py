"""The product's routes with the floor's beside them."""

from django.urls import path

from homecare.urls import urlpatterns as product
from memories.benchmark import floor

urlpatterns = [
    *product,
    path("floor/search", floor.search),
    path("floor/write", floor.write),
    path("floor/memory", floor.memory),
]
