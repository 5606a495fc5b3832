"""Days as parameters of the API."""

from __future__ import annotations

import re

from pydantic import BeforeValidator


def iso_day(text: object) -> object:
    """Only what the description says. Pydantic takes numbers for days, too: seconds since 1970."""
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError("a day is written like 2026-03-01")
    return text


ISO_DAY = BeforeValidator(iso_day)
