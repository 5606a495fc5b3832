"""Numbers and times in plain words."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

from faceid_core.values import utc_now
from faceid_core.wording import count

__all__ = ["ago", "count", "cut", "day", "duration", "isolated", "number_in", "percent"]


LONGEST_NUMBER = 19
"""Digits of 2**63 - 1, the largest number of a row."""


def duration(seconds: float) -> str:
    """
    >>> duration(4.2), duration(89), duration(3730)
    ('4 s', '1 min', '1 h 2 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


LONGEST = 24
"""Letters of a name in a legend, which takes its room from the chart."""


def cut(name: str) -> str:
    """
    >>> cut("Ada"), cut("Maximiliane Wolkenstein-Rodenegg")
    ('Ada', 'Maximiliane Wolkenstein…')
    """
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1].rstrip()}…"


def isolated(name: str) -> str:
    """A name before a number: where it is written from right to left, the number would change sides with it."""
    return f"\u2068{name}\u2069"


def ago(moment: datetime) -> str:
    """How long ago a stored time (UTC, without a zone) was."""
    passed = utc_now() - moment
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{passed.seconds // 60} min ago"
    if passed < timedelta(days=1):
        return f"{passed.seconds // 3600} h ago"
    if passed < timedelta(days=14):
        return f"{count(passed.days, 'day')} ago"
    return f"{moment.day} {moment:%b %Y}"


def day(moment: datetime) -> str:
    """The local day of a stored time (UTC, without a zone): "Today", "Yesterday" or its date."""
    local = moment.replace(tzinfo=UTC).astimezone()
    passed = (datetime.now().astimezone().date() - local.date()).days
    return {0: "Today", 1: "Yesterday"}.get(passed, f"{local:%A}, {long_date(local)}")


def long_date(day: date) -> str:
    """Such as "1 May 1990"; strftime has no day without a zero on every system."""
    return f"{day.day} {day:%B %Y}"


def percent(share: float | None) -> str:
    """
    >>> percent(0.957), percent(1.0), percent(0.9996), percent(None)
    ('95.7%', '100%', '99.9%', '–')

    Never rounded up to 100: that would claim too much.
    """
    if share is None or math.isnan(share):
        return "–"
    text = f"{min(math.floor(share * 1000) / 10, 100):.1f}" if share > 0.99 else f"{share * 100:.1f}"
    return f"{text.removesuffix('.0')}%"


def number_in(text: str) -> int | None:
    """The number of a row that an address holds; None for what can't be one, as addresses may be typed.

    >>> number_in("12"), number_in("\u00b2"), number_in("9" * 30), number_in("-1")
    (12, None, None, None)
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER else None
