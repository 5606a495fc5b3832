"""Who did what, when, as the lines of a CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from faceid_core.exchange.audit_table import COLUMNS, blocks, csv_lines
from faceid_core.library import AuditEntry, Library


def audit_lines(
    library: Library, *, first: date | None = None, last: date | None = None, by: str | None = None
) -> Iterator[str]:
    """The header and a line for each act from one day on and up to another (UTC, both included), one by one.
    by: only what this user did or undid. Raises NotAllowed at once: the audit is for owners."""
    until = last + timedelta(days=1) if last and last < date.max else None
    start, end = (datetime.combine(day, time()) if day else None for day in (first, until))
    entries = library.journal.audit(start=start, end=end, actor=by)
    return csv_lines(map(_row, entries))


def audit_blocks(
    library: Library, *, first: date | None = None, last: date | None = None, by: str | None = None
) -> Iterator[str]:
    """The same in pieces of many lines, for a server."""
    return blocks(audit_lines(library, first=first, last=last, by=by))


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in COLUMNS}
