"""Where memories are imported from. Each reader gives pieces with their place, and changes nothing at its source."""

from memories.importers.sources.base import Source, SourceRefused
from memories.importers.sources.recognise import FILE_KINDS, Sources, recognise

__all__ = ["FILE_KINDS", "Source", "SourceRefused", "Sources", "recognise"]
