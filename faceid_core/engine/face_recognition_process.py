"""The reference engine: the package face_recognition itself, which the parity tests compare our engine with.

It runs in a process of its own. Its import loads four networks at once, and where pkg_resources is missing
(setuptools 81 removed it) it ends the interpreter, which must never be that of the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceid_core.errors import ReferenceMissing
from faceid_core.extras import install
from faceid_core.values import Box, Image

NEEDED = ("face_recognition", "face_recognition_models", "pkg_resources", "dlib")


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceFace:
    """A face as face_recognition sees it.

    box: pixels of the image.  score: of the CNN detector.  inside: the box cut off at the image's borders.
    vector: (128,) float32, by the landmarks that were fitted into `inside`.
    """

    box: Box
    inside: Box
    score: float
    vector: npt.NDArray[np.float32]


def require() -> None:
    """Raises ReferenceMissing where the optional packages are not installed."""
    missing = [name for name in NEEDED if util.find_spec(name) is None]
    if missing:
        raise ReferenceMissing(
            f"The reference engine lacks {', '.join(missing)}; install it with {install('reference')}."
        )


def find_faces(images: Sequence[Image]) -> list[list[ReferenceFace]]:
    """The faces of each image (H, W, 3) uint8, best first: CNN detector without enlargement, 5-point landmarks,
    one embedding without jitter. Slow: seconds a megapixel. Raises ReferenceMissing.
    """
    require()
    if not images:
        return []
    with tempfile.TemporaryDirectory(prefix="faceid-reference-") as folder:
        given, answer = Path(folder, "images.npz"), Path(folder, "faces.npz")
        np.savez(given, *images)
        code = f"from {__name__} import serve; import sys; serve(*sys.argv[1:])"
        command = [sys.executable, "-c", code, str(given), str(answer)]
        # Nobody else has a say in the command: our interpreter, our code, our temporary files.
        done = subprocess.run(  # nosec B603
            command, capture_output=True, text=True, env=_environment(), check=False
        )
        if not answer.exists():  # its quit() looks like success
            reason = (done.stderr or done.stdout).strip().rpartition("\n")[2]
            raise ReferenceMissing(
                f"The reference engine does not run ({reason}); install it with {install('reference')}."
            )
        with np.load(answer) as rows:
            return [_faces(rows[f"arr_{number}"]) for number in range(len(images))]


def _environment() -> dict[str, str]:
    """With this very faceid_core first on the path, however it was imported here."""
    here = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}


def _faces(rows: npt.NDArray[np.float64]) -> list[ReferenceFace]:
    """From rows (faces, 4 + 4 + 1 + 128) as `_rows` wrote them."""
    return [ReferenceFace(Box(*row[:4]), Box(*row[4:8]), float(row[8]), row[9:].astype(np.float32)) for row in rows]


def serve(given: str, answer: str) -> None:
    """The other process: images from the file `given`, rows of faces to the file `answer`."""
    with np.load(given) as images:
        rows = [_rows(images[f"arr_{number}"]) for number in range(len(images.files))]
    np.savez(answer, *rows)


def _rows(image: Image) -> npt.NDArray[np.float64]:
    """(faces, 137): box, box within the image, score, vector; boxes are left, top, right, bottom."""
    import face_recognition

    height, width = image.shape[:2]
    # What its face_locations calls; that drops the scores.
    found = face_recognition.api._raw_face_locations(image, 0, "cnn")
    boxes = [(face.rect.left(), face.rect.top(), face.rect.right(), face.rect.bottom()) for face in found]
    inside = [
        (max(left, 0), max(top, 0), min(right, width), min(bottom, height)) for left, top, right, bottom in boxes
    ]
    css = [(top, right, bottom, left) for left, top, right, bottom in inside]
    vectors = face_recognition.face_encodings(image, css, num_jitters=1, model="small")
    scores = [[face.confidence] for face in found]
    return np.hstack([boxes, inside, scores, vectors]) if boxes else np.empty((0, 137))
