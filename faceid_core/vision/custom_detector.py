"""Detectors of the SCRFD and YuNet families, from the user's own ONNX files.

Both look at strides of 8, 16 and 32 pixels. SCRFD (Guo et al. 2021, arXiv:2105.04714) has two anchors a cell and
gives the distances from the cell's corner to the box's edges; YuNet (Wu et al. 2023, doi:10.1007/s11633-023-1423-y)
has one, and gives centre and the logarithm of the size. Units are strides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from faceid_core.errors import CustomModelUnusable
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from faceid_core.vision import custom_models
from faceid_core.vision.detector import LandmarkDetector

Floats = npt.NDArray[np.float32]
Outputs = dict[str, npt.NDArray[Any]]

STRIDES = (8, 16, 32)
MISFIT = (
    f"The outputs of a custom detector don't match its kind; correct the kind or the file in {custom_models.FILE}."
)


class CustomDetector(LandmarkDetector):
    """Searches the photo at the network's input size; landmarks are dlib's, as for every detector."""

    def __init__(
        self, name: str, entry: custom_models.DetectorEntry, settings: Settings, *, threads: int | None = None
    ) -> None:
        super().__init__(settings.model_copy(update={"detection_side_px": entry.input_px}))
        self.name = f"{name}-{entry.sha256[:8].lower()}"
        self._entry = entry
        self._network = custom_models.session(entry, settings, threads=threads)

    def search(self, image: Image) -> list[tuple[Box, float]]:
        """Boxes in pixels of `image` (H, W, 3) uint8, with their scores. Raises CustomModelUnusable."""
        side = self._entry.input_px
        square = np.zeros((side, side, 3), np.uint8)
        square[: image.shape[0], : image.shape[1]] = image
        outputs = custom_models.run(self._network, self._entry.tensor(square[None]))
        try:
            boxes, scores = (scrfd if self._entry.kind == "scrfd" else yunet)(outputs, side)
        except (KeyError, IndexError, ValueError) as error:
            raise CustomModelUnusable(MISFIT) from error
        return best(boxes, scores, self._entry.threshold, self._entry.nms_iou)


def scrfd(outputs: Outputs, side_px: int) -> tuple[Floats, Floats]:
    """Boxes (N, 4) as left, top, right, bottom in pixels, and scores (N,).

    The outputs are scores (n, 1) of the three strides, then distances (n, 4), then maybe landmarks.
    """
    flat = [value.reshape(-1, value.shape[-1]) for value in outputs.values()]
    scores, distances = flat[:3], flat[3:6]
    boxes = [_from_distances(part, stride, side_px) for part, stride in zip(distances, STRIDES, strict=True)]
    return _joined(boxes, [part[:, 0] for part in scores])


def _from_distances(distances: Floats, stride: int, side_px: int) -> Floats:
    cells = _cells(stride, side_px)
    anchors = np.repeat(cells, max(len(distances) // len(cells), 1), axis=0) * stride
    moved = distances * stride
    return np.hstack([anchors - moved[:, :2], anchors + moved[:, 2:4]])


def yunet(outputs: Outputs, side_px: int) -> tuple[Floats, Floats]:
    """As scrfd, from outputs named cls_8, obj_8, bbox_8 and so on; a score is the root of class by objectness."""
    boxes, scores = [], []
    for stride in STRIDES:
        kinds = (outputs[f"{kind}_{stride}"] for kind in ("cls", "obj", "bbox"))
        sure, there, at = (value.reshape(-1, value.shape[-1]) for value in kinds)
        middle, size = (_cells(stride, side_px) + at[:, :2]) * stride, np.exp(at[:, 2:4]) * stride
        boxes.append(np.hstack([middle - size / 2, middle + size / 2]))
        scores.append(np.sqrt(np.clip(sure[:, 0], 0, 1) * np.clip(there[:, 0], 0, 1)))
    return _joined(boxes, scores)


def _cells(stride: int, side_px: int) -> Floats:
    """(n, 2) x, y of the cells, row by row."""
    count = -(-side_px // stride)
    rows, columns = np.mgrid[:count, :count]
    return np.stack([columns, rows], axis=-1).reshape(-1, 2).astype(np.float32)


def _joined(boxes: list[Any], scores: list[Any]) -> tuple[Floats, Floats]:
    both = np.concatenate(boxes).astype(np.float32), np.concatenate(scores).astype(np.float32)
    if both[0].shape != (len(both[1]), 4):
        raise ValueError("not one box a score")
    return both


def best(boxes: Floats, scores: Floats, threshold: float, iou: float) -> list[tuple[Box, float]]:
    """Of boxes (N, 4) with scores (N,), those above the threshold, best first, without any that overlaps a better
    one by more than `iou`."""
    kept: list[tuple[Box, float]] = []
    for index in np.argsort(-scores, kind="stable"):
        if not scores[index] >= threshold:
            break
        box = Box(*(float(edge) for edge in boxes[index]))
        if np.isfinite(boxes[index]).all() and box.area > 0 and not any(box.iou(other) > iou for other, _ in kept):
            kept.append((box, float(scores[index])))
    return kept
