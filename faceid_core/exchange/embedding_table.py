"""Writers for face vectors, for research."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceid_core.values import ExportedFace, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Faces and their vectors (N, D), in the same order. embedder: the one that computed them."""

    faces: Sequence[ExportedFace]
    vectors: Vectors
    embedder: str


def write_npz(content: Embeddings, file: Path) -> int:
    """NumPy's archive: `vectors` (N, D) float32; `face`, `photo`, `quality`, `person` ("" for nobody), all (N,);
    `embedder`. No pickle is needed to read it. Returns the number of faces."""
    faces = content.faces
    with file.open("wb") as stream:  # given a path, NumPy would append .npz again
        np.savez(
            stream,
            vectors=np.asarray(content.vectors, np.float32),
            face=np.array([face.id for face in faces], np.int64),
            photo=np.array([face.photo_id for face in faces], np.int64),
            quality=np.array([face.quality for face in faces], np.float32),
            person=np.array([face.person or "" for face in faces], np.str_),
            embedder=np.array(content.embedder),
        )
    return len(faces)


def write_parquet(content: Embeddings, file: Path) -> int:
    """Write a row per face, with `vector` as a list of D numbers. The embedder is in the schema's metadata. Returns
    the number of faces."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    faces, (number, width) = content.faces, content.vectors.shape
    flat = pa.array(np.asarray(content.vectors, np.float32).reshape(-1))
    columns = {
        "face": pa.array([face.id for face in faces], pa.int64()),
        "photo": pa.array([face.photo_id for face in faces], pa.int64()),
        "quality": pa.array([face.quality for face in faces], pa.float32()),
        "person": pa.array([face.person for face in faces], pa.string()),
        "vector": pa.FixedSizeListArray.from_arrays(flat, width)
        if number
        else pa.array([], pa.list_(pa.float32())),
    }
    table = pa.table(columns).replace_schema_metadata({"embedder": content.embedder})
    pq.write_table(table, file)
    return len(faces)


EMBEDDING_EXPORTERS: dict[str, Callable[[Embeddings, Path], int]] = {".npz": write_npz, ".parquet": write_parquet}
"""Suffix -> writer. A writer returns the number of faces."""
