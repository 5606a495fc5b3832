"""Days in the addresses of the API."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator


def _only_iso(value: object) -> object:
    """Pydantic also takes seconds since 1970, and whole moments, for a day."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("it should be written YYYY-MM-DD")
    return value


IsoDay = Annotated[date, BeforeValidator(_only_iso)]
"""A day, written YYYY-MM-DD and in no other way."""
