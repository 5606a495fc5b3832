"""One photo: read, its faces found, described and embedded. What a worker of the import does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from faceid_core.errors import UnreadableImage
from faceid_core.image_hash import phashes
from faceid_core.importing.work import File
from faceid_core.media import images, source
from faceid_core.settings import Settings
from faceid_core.single_flight import single_flight
from faceid_core.values import DetectedFace, Image, NewFace, NewPhoto
from faceid_core.vision.alignment import align
from faceid_core.vision.detection import make_detector
from faceid_core.vision.detector import Detector
from faceid_core.vision.dlib_resnet import DlibResNet
from faceid_core.vision.embedder import Embedder
from faceid_core.vision.embedding import make_embedder
from faceid_core.vision.quality import assess

CROP_EYES_PX = 53
"""Distance of the eyes in an aligned crop of 150 pixels: a face with as much or more in a draft loses nothing."""


def analyse(file: File, *, settings: Settings, threads: int | None = None) -> NewPhoto:
    """Read one photo, find its faces and embed them. A photo that can't be read comes back with `error` set."""
    if file.error:
        return unread(file, settings, file.error)
    try:
        photograph = images.read(
            file.path, max_megapixels=settings.max_megapixels, enough_px=settings.search_side_px
        )
        detector, embedder = networks(settings.model_dump_json(), threads)
        faces = _faces(file, photograph, detector, embedder, settings)
    except UnreadableImage as error:
        return unread(file, settings, str(error))
    return replace(
        unread(file, settings),
        width=photograph.width,
        height=photograph.height,
        taken_at=photograph.taken_at,
        camera=photograph.camera,
        detector=detector.name,
        embedder=embedder.name,
        unit=embedder.unit,
        faces=faces,
        phashes=phashes(photograph.pixels),
    )


def _faces(
    file: File, photo: source.Photograph, detector: Detector, embedder: Embedder, settings: Settings
) -> tuple[NewFace, ...]:
    """The faces of a photo. Those of a draft are cut from the whole photo where the draft would blur one."""
    found, factor = detector.detect(photo.pixels), photo.drafted
    if factor == 1 or all(_eyes_px(face) >= CROP_EYES_PX for face in found):
        return described(photo.pixels, found, embedder, factor)
    pixels = images.read(file.path, max_megapixels=settings.max_megapixels).pixels
    boxes = [face.box.scaled(factor) for face in found]
    exact = [
        DetectedFace(box, face.score, detector.landmarks(pixels, box))
        for box, face in zip(boxes, found, strict=True)
    ]
    return described(pixels, exact, embedder)


def _eyes_px(face: DetectedFace) -> float:
    """Distance of the eyes' centres."""
    one, other = face.landmarks[0:2].mean(axis=0), face.landmarks[2:4].mean(axis=0)
    return float(((one - other) ** 2).sum() ** 0.5)


def find_faces(pixels: Image, detector: Detector, embedder: Embedder) -> tuple[NewFace, ...]:
    """The faces of an upright photo (H, W, 3), each with quality, aligned crop and vector."""
    return described(pixels, detector.detect(pixels), embedder)


def described(
    pixels: Image, found: Sequence[DetectedFace], embedder: Embedder, factor: float = 1.0
) -> tuple[NewFace, ...]:
    """Faces found in pixels (H, W, 3) of a photo that is `factor` times as large."""
    import numpy as np

    if not found:
        return ()
    crops = np.stack([align(pixels, face.landmarks) for face in found])
    own = crops if isinstance(embedder, DlibResNet) else [embedder.align(pixels, face.landmarks) for face in found]
    vectors = embedder.embed(np.asarray(own))
    faces = [
        DetectedFace(face.box.scaled(factor), face.score, face.landmarks * np.float32(factor)) for face in found
    ]
    return tuple(
        NewFace(face=face, quality=assess(pixels, face, crop), crop=images.encode_jpeg(crop), vector=vector)
        for face, crop, vector in zip(faces, crops, vectors, strict=True)
    )


def unread(file: File, settings: Settings, error: str | None = None) -> NewPhoto:
    """What is known of a photo before it is read."""
    return NewPhoto(
        path=str(file.path),
        sha256=file.sha256,
        width=0,
        height=0,
        taken_at=None,
        error=error,
        size_bytes=file.size_bytes,
        modified_ns=file.modified_ns,
        detector=settings.detector,
        embedder="",
        faces=(),
    )


@single_flight(maxsize=2)
def networks(settings_json: str, threads: int | None) -> tuple[Detector, Embedder]:
    """One detector and embedder a process and setting: loading them takes longer than a photo."""
    settings = Settings.model_validate_json(settings_json)
    if threads is not None:  # a worker: resizing, too, keeps to its share of the cores
        import cv2

        cv2.setNumThreads(threads)
    return make_detector(settings, threads=threads), make_embedder(settings, threads=threads)
