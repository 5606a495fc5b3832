"""Environment variables that look like settings but are not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from faceid_core.settings import PREFIX, Settings

FOR_TESTS = "TEST_"
"""FACEID_TEST_… is reserved for faceid's tests, for example FACEID_TEST_POSTGRES for a database server."""

RESEMBLANCE = 0.6
"""difflib's default. It matches DB_URL with DATABASE_URL (0.67) and WORKER with WORKERS (0.92)."""

_reported: set[str] = set()


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """A variable that looks like a setting but is not. nearest: the setting that it resembles, if any."""

    name: str
    nearest: str | None = None

    @property
    def advice(self) -> str:
        """Advice for the user, as a clause."""
        return f"did you mean {self.nearest}?" if self.nearest else "correct or unset it."

    def in_words(self) -> str:
        """Return one sentence for the user."""
        return f"{self.name} is not a setting; {self.advice}"


def unknown_settings(environment: Mapping[str, str] | None = None) -> list[UnknownSetting]:
    """Return the FACEID_ variables of an environment (default: this process's) that have no effect, by name."""
    known = [name.upper() for name in Settings.model_fields]
    found = []
    for name in sorted(os.environ if environment is None else environment):
        word = name.upper().removeprefix(PREFIX)  # like pydantic, which reads faceid_workers as FACEID_WORKERS
        if name.upper().startswith(PREFIX) and word not in known and not word.startswith(FOR_TESTS):
            near = get_close_matches(word, known, n=1, cutoff=RESEMBLANCE)
            found.append(UnknownSetting(name, f"{PREFIX}{near[0]}" if near else None))
    return found


def report_unknown_settings(report: Callable[[str], object]) -> None:
    """Call `report` with one sentence per unknown setting, once per process."""
    for unknown in unknown_settings():
        if unknown.name not in _reported:
            _reported.add(unknown.name)
            report(unknown.in_words())
