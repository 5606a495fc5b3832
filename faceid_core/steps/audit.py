"""Who did what, when, as the lines of a CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, time, timedelta

from faceid_core.exchange.audit_table import csv_lines
from faceid_core.library import Library


def audit_lines(
    library: Library, *, first: date | None = None, last: date | None = None, by: str | None = None
) -> Iterator[str]:
    """The header and a line for each act from one day on and up to another (UTC, both included), one by one.
    by: only what this user did or undid. Raises NotAllowed at once: the audit is for owners."""
    start, end = (datetime.combine(day, time()) if day else None for day in (first, last))
    entries = library.journal.audit(start=start, end=end + timedelta(days=1) if end else None, actor=by)
    return csv_lines(map(asdict, entries))
