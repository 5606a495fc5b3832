"""The map in a browser without WebGL: dots as elements of the page, or as a picture with all of them."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageColor

from faceid_core.library import MapPoints
from webapp.parts import face_map
from webapp.parts.face_map import figure, is_picture, layers, selected_faces
from webapp.wording import isolated

PEOPLE = ["Ada", "Ada", "Bo", None]


@pytest.fixture
def points() -> MapPoints:
    x, y = np.array([0, 1, 0, 1], np.float32), np.array([0, 0, 2, 2], np.float32)
    return MapPoints(np.array([11, 12, 13, 14]), x, y, [None] * 4, list(PEOPLE))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_map, "MOST_PLAIN", 2)


def test_few_dots_are_drawn_without_webgl(points: MapPoints) -> None:
    drawn = figure(points, by="people", webgl=False)
    assert {trace.type for trace in drawn.data} == {"scatter"} and not drawn.layout.images
    assert {trace.type for trace in figure(points, by="people").data} == {"scattergl"}
    assert not is_picture(points, webgl=False)


@pytest.mark.usefixtures("few")
def test_many_are_a_picture_in_the_colours_of_the_map(points: MapPoints) -> None:
    drawn = figure(points, by="people", webgl=False)
    (image,) = drawn.layout.images
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image.source.partition(",")[2]))))
    at = ((points.x - image.x) / image.sizex, (image.y - points.y) / image.sizey)
    columns, rows = (np.round(place * (len(pixels) - 1)).astype(int) for place in at)
    colours = {place: layer.colour for layer in layers(points, by="people") for place in layer.places}
    seen = [tuple(pixels[row, column, :3]) for row, column in zip(rows, columns, strict=True)]
    assert seen == [ImageColor.getrgb(colours[place]) for place in range(4)]
    assert not pixels[len(pixels) // 2, :, 3].any(), "between the dots it is transparent"


@pytest.mark.usefixtures("few")
def test_a_few_dots_over_the_picture_can_be_pointed_at(points: MapPoints) -> None:
    drawn = figure(points, by="people", webgl=False, chosen=[11])
    assert {face for trace in drawn.data for face in trace.customdata} < set(points.face_ids.tolist())
    legend = {trace.name for trace in drawn.data}
    of_all = {"Ada": 2, "Bo": 1, "Unnamed": 1}
    assert legend == {f"{isolated(name)} · {number}" for name, number in of_all.items()}, "not of the few"
    assert all(trace.selectedpoints is not None and trace.unselected.marker.opacity == 0 for trace in drawn.data)


@pytest.mark.parametrize(
    ("selection", "faces"),
    [
        ({"lasso": [{"x": [-1, 2, 2, -1], "y": [-1, -1, 1, 1]}], "box": []}, [11, 12]),
        ({"lasso": [], "box": [{"x": [0.5, 2], "y": [3, -1]}]}, [12, 14]),
        ({"lasso": [{"x": [-1, 2, -1], "y": [-1, -1, 3]}]}, [11, 12]),
        ({"points": [{"customdata": 14}], "box": [{"x": [-1, 0.5], "y": [1, 3]}]}, [14, 13]),
        ({"points": [], "lasso": [{"x": [0], "y": [0]}]}, []),
    ],
)
def test_all_faces_inside_are_selected(points: MapPoints, selection: dict[str, object], faces: list[int]) -> None:
    assert selected_faces({"selection": selection}, points) == faces
