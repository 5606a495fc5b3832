"""The two networks beside dlib's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceid_core import images
from faceid_core.detection import DETECTORS, make_detector
from faceid_core.embedding import align, make_embedder
from faceid_core.engine.weights import weights_path
from faceid_core.settings import Settings
from tests.bench.engine.common import group_photos, pixels_of, seconds, table


def bench_embedding(data: Path, settings: Settings) -> None:
    """face_encodings as its users call it (68 landmarks, one crop at a time) and dlib's network alone."""
    import dlib
    import face_recognition

    detector, embedder = make_detector(settings, threads=1), make_embedder(settings, threads=1)
    photos = [pixels_of(path) for path in group_photos(data, 8)]
    found = [(photo, face) for photo in photos for face in detector.detect(photo)][:16]
    css = [tuple(round(face.box.as_tuple()[at]) for at in (1, 2, 3, 0)) for _, face in found]
    crops = np.stack([align(photo, face.landmarks) for photo, face in found])
    network = dlib.face_recognition_model_v1(str(weights_path("resnet")))
    plain = make_embedder(settings.model_copy(update={"mirror": False}), threads=1)
    theirs = seconds(
        lambda: [face_recognition.face_encodings(photo, [box]) for (photo, _), box in zip(found, css, strict=True)],
        1,
    )
    alone = seconds(lambda: network.compute_face_descriptor([*crops]), 1)
    ours = seconds(lambda: plain.embed(np.stack([align(photo, face.landmarks) for photo, face in found])))
    net, mirrored = seconds(lambda: plain.embed(crops)), seconds(lambda: embedder.embed(crops))
    rows = [
        ("face_recognition.face_encodings", len(found) / theirs, 1.0),
        ("dlib network alone, one batch", len(found) / alone, theirs / alone),
        ("ours: align and embed, one batch", len(found) / ours, theirs / ours),
        ("ours: network alone", len(found) / net, theirs / net),
        ("ours: network with mirror", len(found) / mirrored, theirs / mirrored),
    ]
    table(f"Embedding, {len(found)} faces, one core", ("", "faces/s", "ratio"), rows)


def bench_detection(data: Path, settings: Settings) -> None:
    """dlib's CNN detector on the very pixels that ours searches, plainly and in two stages."""
    photos = [images.thumbnail(pixels_of(path), 800) for path in group_photos(data, 3)]
    times, found = {}, {}
    for name in ("dlib-cnn", "mmod-plain", "mmod"):
        detector = DETECTORS[name](settings, threads=1)
        found[name] = sum(len(list(detector.search(photo))) for photo in photos)  # type: ignore[attr-defined]
        repeat = 1 if name == "dlib-cnn" else 3
        times[name] = sum(seconds(lambda d=detector, p=photo: list(d.search(p)), repeat) for photo in photos)
    rows = [(name, found[name], spent, times["dlib-cnn"] / spent) for name, spent in times.items()]
    table(f"Detection, {len(photos)} photos of 800 px, one core", ("", "faces", "CPU s", "ratio"), rows)
