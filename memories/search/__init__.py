"""The memories of one patient that answer a question, best first.

>>> with acting_as(actor):
...     search(patient=patient, query="What is he allergic to?", limit=3).hits[0].memory.content
"""

from memories.search.filters import SearchFilters
from memories.search.results import Hit, SearchResult
from memories.search.searching import search

__all__ = ["Hit", "SearchFilters", "SearchResult", "search"]
