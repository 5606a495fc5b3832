"""Variables of the environment that look like settings and are none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from faceid_core.settings import PREFIX, Settings

FOR_TESTS = "TEST_"
"""FACEID_TEST_… belongs to the tests of faceid, such as the server that FACEID_TEST_POSTGRES names."""

RESEMBLANCE = 0.6
"""difflib's default: DB_URL is near enough to DATABASE_URL (0.67), WORKER to WORKERS (0.92)."""

_reported: set[str] = set()


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """A variable that looks like a setting and is none. nearest: the setting that it resembles, if any."""

    name: str
    nearest: str | None = None

    @property
    def advice(self) -> str:
        """What to do about it, as a clause."""
        return f"did you mean {self.nearest}?" if self.nearest else "correct or unset it."

    def in_words(self) -> str:
        """One sentence."""
        return f"{self.name} is not a setting; {self.advice}"


def unknown_settings(environment: Mapping[str, str] | None = None) -> list[UnknownSetting]:
    """The FACEID_ variables of an environment (default: this process's) that change nothing, by name."""
    known = [name.upper() for name in Settings.model_fields]
    found = []
    for name in sorted(os.environ if environment is None else environment):
        word = name.upper().removeprefix(PREFIX)  # like pydantic, which takes faceid_workers for FACEID_WORKERS
        if name.upper().startswith(PREFIX) and word not in known and not word.startswith(FOR_TESTS):
            near = get_close_matches(word, known, n=1, cutoff=RESEMBLANCE)
            found.append(UnknownSetting(name, f"{PREFIX}{near[0]}" if near else None))
    return found


def report_unknown_settings(report: Callable[[str], object]) -> None:
    """Give `report` one sentence for each unknown setting, each only once in this process."""
    for unknown in unknown_settings():
        if unknown.name not in _reported:
            _reported.add(unknown.name)
            report(unknown.in_words())
