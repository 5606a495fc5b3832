"""Caches the neighbour graph in a file, which may be deleted because it can be rebuilt from the vectors.

The file has a checksum of each face's vector, so that the graph is never used for other vectors.
"""

from __future__ import annotations

import logging
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceid_core.atomic import replaced
from faceid_core.values import Ints, Vectors
from faceid_core.vectors import neighbours
from faceid_core.vectors.neighbours import DEFAULT_K, NeighbourGraph

log = logging.getLogger(__name__)

Checks = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """ids: (N,) increasing; checks: (N,) CRC-32 of each vector's bytes; graph: of these N faces."""

    ids: Ints
    checks: Checks
    graph: NeighbourGraph


def graph_of(file: Path, ids: Ints, vectors: Vectors) -> NeighbourGraph:
    """Return the neighbour graph of the faces, by updating the cached graph, and save it.

    ids: (N,) increasing; vectors: (N, D) float32, finite. A file that can't be read or written is only logged.
    """
    checks, kept = _checks(vectors), _read(file)
    rows = np.full(len(ids), -1, np.int64) if kept is None else _rows(kept, ids, checks)
    if kept is not None and len(rows) == len(kept.ids) and (rows >= 0).all():
        return kept.graph
    graph = neighbours.build(vectors) if kept is None else neighbours.extended(kept.graph, rows, vectors)
    _write(file, _Kept(ids, checks, graph))
    return graph


def _checks(vectors: Vectors) -> Checks:
    return np.fromiter(map(zlib.crc32, np.ascontiguousarray(vectors)), np.uint32, len(vectors))


def _rows(kept: _Kept, ids: Ints, checks: Checks) -> Ints:
    """Return the row of each face in the file (N,); -1 if it is not there or has a different vector now."""
    if not len(kept.ids):
        return np.full(len(ids), -1, np.int64)
    place = np.searchsorted(kept.ids, ids).clip(max=len(kept.ids) - 1)
    return np.where((kept.ids[place] == ids) & (kept.checks[place] == checks), place, -1)


def _read(file: Path) -> _Kept | None:
    """Read the file. Returns None if it does not exist, is damaged (its archive has a CRC-32) or of another
    kind."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            graph = NeighbourGraph(stored["indices"], stored["distances"])
            kept = _Kept(stored["ids"], stored["checks"], graph)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        log.warning("the stored neighbour graph %s can't be used and is rebuilt: %s", file, error)
        return None
    shape = (len(kept.ids), DEFAULT_K)
    fits = kept.checks.shape == kept.ids.shape and graph.indices.shape == graph.distances.shape == shape
    return kept if fits else None


def _write(file: Path, kept: _Kept) -> None:
    graph = kept.graph
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replaced(file) as partial, partial.open("wb") as stream:
            np.savez(stream, ids=kept.ids, checks=kept.checks, indices=graph.indices, distances=graph.distances)
    except OSError as error:
        log.warning("the neighbour graph can't be saved in %s: %s", file, error)
