"""What a recogniser learns from: named faces, faces of nobody named, and the space of their vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.cosine_scale import DLIB, CosineScale
from faceid_core.engine.graphs import CROP_PX
from faceid_core.errors import NotEnoughLabels
from faceid_core.recognition import holdout
from faceid_core.recognition.options import TrainOptions, readiness
from faceid_core.recognition.scoring import FaceSet
from faceid_core.values import Image, Ints, Vectors
from faceid_core.vision.embedder import MIRROR

if TYPE_CHECKING:
    from faceid_core.engine.dlib_format import ResNetWeights

STRANGER_CROPS = 500
"""Crops of strangers at most that a further trained network looks at anew."""


def published_network() -> ResNetWeights:
    """dlib's face embedder, as its package has it. Raises WeightsUnsupported."""
    from faceid_core.engine.dlib_format import resnet_weights
    from faceid_core.engine.weights import weights_path

    return resnet_weights(weights_path("resnet"))


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Where vectors come from. name: the embedder's full name, such as dlib-resnet+mirror; scale: of its cosines;
    network: loads it for PyTorch, so that altered crops can be learned from, too, or the network itself be trained
    further; None where that is not possible, as with custom models."""

    name: str = "dlib-resnet" + MIRROR
    scale: CosineScale = DLIB
    network: Callable[[], ResNetWeights] | None = published_network

    @property
    def is_mirrored(self) -> bool:
        """Whether a vector is the mean of the face's and its mirror image's, as with Settings.mirror."""
        return self.name.endswith(MIRROR)


@dataclass(frozen=True, slots=True, eq=False)
class Rejected:
    """Faces of which a human said who they are not. faces: FaceSet (M), names: (M,) the person that each is not."""

    faces: FaceSet
    names: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """N named faces, and what else is known of other people's.

    crops: (N, 150, 150, 3) uint8, aligned.
    names, photos: (N,) the person and the number of the photo of each; faces of one photo are held out together.
    faces: (N,) their ids, by which held-out ones are found again; None: all 0.
    vectors: (N, D) float32 of the crops, by the embedder that will serve; None: the network looks at the crops.
    strangers: faces of nobody named by such vectors, the best ones first; some may be unnamed faces of the named
    people. None: the vectors of stranger_crops.
    stranger_crops: (M, 150, 150, 3) uint8, for where there are no vectors or the network is trained further;
    stranger_ids: (M,) the ids of these; None: all 0.
    rejected: by such vectors, too.
    Raises ValueError if the shapes do not fit.
    """

    crops: Image
    names: Sequence[str]
    photos: Ints
    faces: Ints | None = None
    vectors: Vectors | None = None
    strangers: FaceSet | None = None
    stranger_crops: Image | None = None
    stranger_ids: Ints | None = None
    rejected: Rejected | None = None

    def __post_init__(self) -> None:
        count, strange = len(self.names), self.stranger_crops
        for crops in (self.crops, self.crops[:0] if strange is None else strange):
            if crops.shape[1:] != (CROP_PX, CROP_PX, 3):
                raise ValueError(f"crops of shape {crops.shape}, not (N, {CROP_PX}, {CROP_PX}, 3)")
        for each in (self.crops, self.photos, self.faces, self.vectors):
            if each is not None and len(each) != count:
                raise ValueError(f"{len(each)} crops, photos, faces or vectors for {count} names")
        if self.stranger_ids is not None and len(self.stranger_ids) != (0 if strange is None else len(strange)):
            raise ValueError(f"{len(self.stranger_ids)} ids for other crops of strangers")

    def some_strangers(self, seed: int) -> tuple[Image, Ints]:
        """At most STRANGER_CROPS of the strangers' crops, drawn by the seed, and their ids."""
        crops = self.crops[:0] if self.stranger_crops is None else self.stranger_crops
        drawn = np.sort(np.random.default_rng(seed).permutation(len(crops))[:STRANGER_CROPS])
        return crops[drawn], _ids(self.stranger_ids, len(crops))[drawn]


def _ids(given: Ints | None, count: int) -> Ints:
    return np.zeros(count, np.int64) if given is None else np.asarray(given, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The faces to learn from: crops (N, 150, 150, 3), classes (N,), photos (N,), names by class, faces (N,) their
    ids, and vectors (N, D) float32 where there are any."""

    crops: Image
    classes: Ints
    photos: Ints
    names: tuple[str, ...]
    faces: Ints
    vectors: Vectors | None


def labelled_faces(data: TrainingData, options: TrainOptions) -> Labelled:
    """The people with enough faces, in alphabetical order. Raises NotEnoughLabels."""
    ready = readiness(data.names, data.photos, options)
    if ready.refusal is not None:
        raise NotEnoughLabels(ready.refusal)
    number = {name: index for index, name in enumerate(ready.names)}
    classes = np.array([number.get(name, -1) for name in data.names], np.int64)
    chosen = np.flatnonzero(classes >= 0)
    chosen = chosen[holdout.sampled(classes[chosen], options.max_faces_per_person, options.seed)]
    return Labelled(
        data.crops[chosen],
        classes[chosen],
        np.asarray(data.photos, np.int64)[chosen],
        ready.names,
        _ids(data.faces, len(classes))[chosen],
        None if data.vectors is None else np.asarray(data.vectors, np.float32)[chosen],
    )
