"""What an import did."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from faceid_core.library import Added
from faceid_core.media.left_out import LeftOut
from faceid_core.values import NewPhoto

NEWS = ("imported", "renewed")
"""Outcomes of photos whose faces were searched."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be imported, with its plain reason."""

    path: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did, in photos; every file found is counted in exactly one of the five outcomes.

    renewed: known photos that were searched anew, as the file was edited, turned or moved, or as it was asked for.
    A video counts as one; frames: those of videos that were stored or searched anew.
    """

    photos: int = 0
    imported: int = 0
    duplicates: int = 0
    unchanged: int = 0
    renewed: int = 0
    failed: int = 0
    faces: int = 0
    frames: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Files with an outcome so far."""
        return self.imported + self.duplicates + self.unchanged + self.renewed + self.failed

    def add(self, photo: NewPhoto, added: Added) -> None:
        """Count a photo by what became of it."""
        self.count(added.outcome)
        if added.error:
            self.failures.append(Failure(photo.path, added.error))
        elif added.outcome in NEWS:
            self.faces += len(photo.faces)

    def count(self, outcome: str) -> None:
        """Count a file without its faces; outcome: see library.Added."""
        self.imported += outcome == "imported"
        self.duplicates += outcome == "duplicate"
        self.unchanged += outcome == "unchanged"
        self.renewed += outcome == "renewed"
        self.failed += outcome == "failed"

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> ImportReport:
        """The report that as_dict gave, or an empty one of no values."""
        failures = [Failure(**each) for each in values.get("failures", ())]
        left_out = [LeftOut(**each) for each in values.get("left_out", ())]
        return cls(**{**values, "failures": failures, "left_out": left_out})
