from __future__ import annotations

import doctest
from datetime import datetime, timedelta
from types import ModuleType

import pytest

from faceid_core import wording as core_wording
from faceid_core.values import utc_now
from webapp import uploads, wording


@pytest.mark.parametrize("module", [core_wording, wording, uploads])
def test_examples_in_docstrings(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5, seconds=1), "5 min ago"),
        (timedelta(hours=5, minutes=1), "5 h ago"),
        (timedelta(days=1, minutes=1), "1 day ago"),
    ],
)
def test_ago(passed: timedelta, text: str) -> None:
    assert wording.ago(utc_now() - passed) == text


def test_percent_never_claims_perfection() -> None:
    assert wording.percent(0.99999) == "99.9%"
    assert wording.percent(1.0) == "100%"
    assert wording.percent(float("nan")) == "–"


def test_days_are_told_by_name_when_they_are_near() -> None:
    assert wording.day(utc_now()) == "Today"
    assert wording.day(utc_now() - timedelta(days=1)) == "Yesterday"
    assert wording.day(datetime(2020, 2, 29, 12)) == "Saturday, 29 February 2020"
