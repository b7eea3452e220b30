"""Bringing memories in from mem0, whole and unconfirmed: recognise -> read -> map -> store -> classify -> consolidate.

>>> source = recognise("exports/")                     # sources: files, folders, tables, accounts
>>> importing = start_import(source, people=..., by=actor)
>>> for step in importing.steps(): ...                 # each step is committed, and safe to repeat
>>> importing.report.as_json()
"""
