"""The map step: lay all faces out on a plane."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceid_core.library import FaceVectors, Library
from faceid_core.steps.snapshot import LibrarySnapshot
from faceid_core.values import Progress, Role, no_progress

SKETCH = "pca"
"""The projector whose map is there at once."""


@dataclass(frozen=True, slots=True)
class MapReport:
    """What a projection did."""

    projector: str
    faces: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


def map_faces(
    library: Library, *, projector: str | None = None, new_only: bool = False, progress: Progress = no_progress
) -> MapReport:
    """Lay all faces out on a plane. Raises NotAllowed for viewers, NoPhotos, NoFaces, UnknownChoice.

    new_only: faces that are not on the map are placed among those that are, which stay; without a map, or when most
    faces are new, all are laid out. The first time a PCA map is stored at once, to look at until the other is done.
    """
    from faceid_core.vectors import projection

    library.actor.require(Role.EDITOR)  # now, not after the work
    started = time.monotonic()
    snapshot = LibrarySnapshot.of(library)
    faces, embedder = snapshot.faces, snapshot.embedder
    projector = projector or library.settings.projector
    progress(0, 2, "Comparing faces")
    plane = _extended(library, faces, projector, embedder.name) if new_only else None
    if plane is None:
        if projector != SKETCH and not len(library.maps.points(projector).face_ids):
            library.maps.save(SKETCH, embedder.name, faces.ids, projection.pca(faces.vectors, None))
        graph = snapshot.graph
        progress(1, 2, "Drawing the map")
        plane = projection.project(projector, faces.vectors, graph)
    library.maps.save(projector, embedder.name, faces.ids, plane)
    progress(2, 2, "Map drawn")
    return MapReport(projector, len(plane), time.monotonic() - started)


def _extended(
    library: Library, faces: FaceVectors, projector: str, embedder: str
) -> npt.NDArray[np.float32] | None:
    """The stored map (N, 2) with the new faces on it; None where all faces must be laid out."""
    from faceid_core.vectors import projection

    points = library.maps.points(projector, embedder)
    on_map = np.isin(faces.ids, points.face_ids)
    if 2 * on_map.sum() <= len(faces.ids):
        return None
    known = np.isin(points.face_ids, faces.ids)
    return projection.place(faces.vectors, on_map, np.stack([points.x, points.y], axis=1)[known])
