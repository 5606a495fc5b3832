"""What the steps after the import start from: the library's embedder, its vectors, and the stored crops."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Any

import numpy as np

from faceid_core.cosine_scale import LENGTH, SAME_PERSON
from faceid_core.errors import NoFaces, NoPhotos
from faceid_core.library import FaceVectors, Library
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.single_flight import single_flight
from faceid_core.steps.describe_boxes import describe_boxes
from faceid_core.vectors import neighbour_cache
from faceid_core.vectors.neighbours import NeighbourGraph, on_sphere
from faceid_core.vision.custom_embedder import CustomEmbedder
from faceid_core.vision.detection import make_detector
from faceid_core.vision.detector import Detector, OneAtATime
from faceid_core.vision.dlib_resnet import DlibResNet
from faceid_core.vision.embedder import Embedder
from faceid_core.vision.embedding import make_embedder

logger = logging.getLogger(__name__)

EMBED_AT_ONCE = 512
"""Crops that are embedded and stored in one step when the embedder has changed."""


@single_flight(maxsize=2)
def _cached(settings_json: str) -> Embedder:
    return make_embedder(Settings.model_validate_json(settings_json))


def load_embedder(settings: Settings) -> Embedder:
    """The embedder of these settings, loaded once in a process. Raises UnknownChoice, EngineError."""
    return _cached(settings.model_dump_json())


@single_flight(maxsize=2)
def _cached_detector(settings_json: str) -> Detector:
    return OneAtATime(make_detector(Settings.model_validate_json(settings_json)))


def load_detector(settings: Settings) -> Detector:
    """The detector of these settings, loaded once in a process, for any number of threads. Raises UnknownChoice,
    EngineError."""
    return _cached_detector(settings.model_dump_json())


def load_vectors(library: Library, embedder: Embedder) -> FaceVectors:
    """The vectors of all faces; missing ones are computed first. Raises NoPhotos, NoFaces."""
    describe_boxes(library)
    embed_missing(library, embedder)
    faces = library.faces.vectors(embedder.name)
    if len(faces.ids):
        return faces
    counts = library.counts()
    if counts.faces and library.faces.missing_vectors(embedder.name):
        raise NoFaces(f"No face has a vector of {embedder.name} yet; run `faceid import --again` on your photos.")
    if not counts.photos:
        raise NoPhotos("The library has no photo yet; import a folder of photos first.")
    raise NoFaces(
        f"No usable face was found in the {counts.photos} photos of the library; import photos that show people."
    )


def is_ours(embedder: Embedder) -> bool:
    """Whether its distances are those that faceid's were chosen on."""
    return not isinstance(embedder, CustomEmbedder)


def length_of(embedder: Embedder) -> float:
    """The length to which an embedder's vectors are brought before they are compared."""
    return LENGTH if is_ours(embedder) else 1.0


MEASURED = "same_person"
"""The parameter of a clustering that tells the distance of one person's faces, as measured then."""


def same_person(library: Library, embedder: Embedder) -> float:
    """The distance below which two faces are usually of one person, vectors being as `normalised` makes them: ours
    is known, another embedder's is what the latest clustering measured, or else what models.toml says."""
    run = None if is_ours(embedder) else library.clusters.current()
    if run is None or run.embedder != embedder.name:
        return embedder.default_threshold
    return float(run.parameters.get(MEASURED, embedder.default_threshold))


def unit_of(embedder: Embedder, same_person: float) -> float:
    """How long a distance of 1 between dlib's vectors is between these: distances that were chosen on dlib's space
    are stretched by it."""
    return 1.0 if is_ours(embedder) else same_person / SAME_PERSON


def load_graph(library: Library, faces: FaceVectors, embedder: Embedder) -> NeighbourGraph:
    """The neighbours of faces that `normalised` gives, kept in the library's folder from one step to the next."""
    name = re.sub(r"[^\w.-]", "_", embedder.name)
    return neighbour_cache.graph_of(library.settings.graphs_folder / f"{name}.npz", faces.ids, faces.vectors)


def normalised(faces: FaceVectors, embedder: Embedder) -> FaceVectors:
    """The faces with vectors of equal length: who it is lies in the direction, see neighbours.on_sphere."""
    return replace(faces, vectors=on_sphere(faces.vectors, length_of(embedder)))


def embed_missing(library: Library, embedder: Embedder) -> None:
    """Embed the crops that another embedder was used for when they were imported. A network of the user's own has
    crops of its own, which only the photo gives."""
    if not isinstance(embedder, DlibResNet):
        return
    missing = library.faces.missing_vectors(embedder.name)
    for start in range(0, len(missing), EMBED_AT_ONCE):
        ids = missing[start : start + EMBED_AT_ONCE]
        vectors = embedder.embed(decoded(library, ids))
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():  # these faces take no part; the others must not wait for them
            logger.warning("%d faces have no finite vector of %s.", np.count_nonzero(~finite), embedder.name)
        library.faces.add_vectors(embedder.name, np.array(ids)[finite].tolist(), vectors[finite])


def decoded(library: Library, ids: Any) -> np.ndarray:
    """Aligned crops (N, 150, 150, 3) uint8 of the faces, in the order of ids."""
    crops = library.faces.crops(ids)
    if not crops:
        return np.empty((0, 150, 150, 3), np.uint8)
    return np.stack([images.decode_jpeg(crops[int(face)]) for face in ids])
