"""`{% load ages %}`: how long ago, as one would say it."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.timesince import timesince

register = template.Library()


@register.filter
def ago(moment: datetime) -> str:
    """`just now`, `3 hours ago`, `8 months ago`; `in 2 days` for what is still to come."""
    now = timezone.now()
    if moment > now:
        return f"in {timesince(now, moment, depth=1)}"
    seconds = (now - moment).total_seconds()
    return "just now" if seconds < 60 else f"{timesince(moment, now, depth=1)} ago"
