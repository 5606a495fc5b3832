"""The report of an import."""

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
    """A file that could not be imported, with the reason in plain words."""

    path: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """The report of an import. Every file found is counted in exactly one of the five outcomes.

    renewed: known photos that were searched again, because the file was edited, rotated or moved, or on request.
    A video counts as one file; frames: video frames that were stored or searched again.
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
        """The number of files with an outcome so far."""
        return self.imported + self.duplicates + self.unchanged + self.renewed + self.failed

    def add(self, photo: NewPhoto, added: Added) -> None:
        """Count a photo by its outcome."""
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
        """Return the report as plain values for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> ImportReport:
        """Rebuild a report from as_dict; an empty dict makes an empty report."""
        failures = [Failure(**each) for each in values.get("failures", ())]
        left_out = [LeftOut(**each) for each in values.get("left_out", ())]
        return cls(**{**values, "failures": failures, "left_out": left_out})
