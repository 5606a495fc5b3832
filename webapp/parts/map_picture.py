"""The map where a browser has no WebGL: the dots as a picture, and what was drawn around them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

if TYPE_CHECKING:
    from faceid_core.library import MapPoints
    from webapp.parts.face_map import Layer

SIDE = 1600
"""Pixels of the picture, which Plotly stretches over the map."""


def as_image(points: MapPoints, layers: Iterable[Layer], dot: float) -> dict[str, Any]:
    """The picture as Plotly takes it, in the coordinates of the map. dot: the diameter in pixels."""
    low, high = _corners(points, margin=dot)
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    scale = (SIDE - 1) / (high - low)
    columns = ((points.x - low[0]) * scale[0]).round().astype(int)
    rows = ((high[1] - points.y) * scale[1]).round().astype(int)
    offsets = _disc(dot / 2)
    for layer in layers:
        colour = (*ImageColor.getrgb(layer.colour), 128 if layer.faint else 230)
        for right, down in offsets:
            pixels[rows[layer.places] + down, columns[layer.places] + right] = colour
    return {
        "source": _png(pixels), "xref": "x", "yref": "y", "x": low[0], "y": high[1], "sizing": "stretch",
        "sizex": high[0] - low[0], "sizey": high[1] - low[1], "layer": "below",
    }  # fmt: skip


def _corners(points: MapPoints, margin: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The lower left and the upper right one, with room for whole dots."""
    low = np.array([points.x.min(), points.y.min()], float)
    high = np.array([points.x.max(), points.y.max()], float)
    room = np.maximum(high - low, 1e-3) * margin / (SIDE - 2 * margin)
    return low - room, high + room


def _disc(radius: float) -> list[tuple[int, int]]:
    """Offsets of the pixels of a dot."""
    reach = range(-int(radius), int(radius) + 1)
    return [(right, down) for right in reach for down in reach if right**2 + down**2 <= radius**2]


def _png(pixels: npt.NDArray[np.uint8]) -> str:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def drawn_around(selection: Mapping[str, Any]) -> list[npt.NDArray[np.float64]]:
    """The areas of a chart's selection, as Streamlit gives it: boxes and what was drawn with the lasso; of each the
    corners, (n, 2) x, y."""
    boxes = [[(x[i], y[j]) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))] for x, y in _areas(selection, "box")]
    lassos = [list(zip(x, y, strict=True)) for x, y in _areas(selection, "lasso")]
    return [np.array(corners, float) for corners in (*boxes, *lassos) if len(corners) > 2]


def _areas(selection: Mapping[str, Any], kind: str) -> list[tuple[Sequence[float], Sequence[float]]]:
    return [(area["x"], area["y"]) for area in selection.get(kind) or []]
