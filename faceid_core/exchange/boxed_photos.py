"""Photos with face boxes, for annotation tools: COCO, FiftyOne, CVAT, Label Studio.

Pictures are written upright and without metadata: these tools ignore the EXIF orientation, so boxes would not fit
otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from faceid_core.exchange.export_content import UNNAMED, Content, Entry, by_photo, clipped
from faceid_core.values import ExportedFace

Photo = list[ExportedFace]
"""All exported faces of a photo."""


def coco(content: Content) -> Iterator[Entry]:
    """`images/` and annotations.json with a category for each person (cocodataset.org, object detection)."""
    photos: list[Photo] = []
    yield from _pictures(content, "images", photos)
    names = [*content.classes, UNNAMED]
    numbers = {name: number for number, name in enumerate(names, 1)}
    written = {
        "info": {"description": "Faces, exported by faceid", "version": "1.0"},
        "licenses": [],
        "categories": [{"id": numbers[name], "name": name, "supercategory": "person"} for name in names],
        "images": [_coco_image(faces[0]) for faces in photos],
        "annotations": [_coco_box(face, numbers[_label(face)]) for faces in photos for face in faces],
    }
    yield Entry("annotations.json", _json(written))


def _coco_image(face: ExportedFace) -> dict[str, Any]:
    taken = {} if face.taken_at is None else {"date_captured": face.taken_at.isoformat(" ", "seconds")}
    return {"id": face.photo_id, "file_name": _file(face), "width": face.width, "height": face.height, **taken}


def _coco_box(face: ExportedFace, category: int) -> dict[str, Any]:
    box = clipped(face)
    return {
        "id": face.id, "image_id": face.photo_id, "category_id": category, "iscrowd": 0, "segmentation": [],
        "bbox": [round(edge, 2) for edge in (box.left, box.top, box.width, box.height)], "area": round(box.area, 2),
    }  # fmt: skip


def fifty_one(content: Content) -> Iterator[Entry]:
    """`data/` and labels.json: FiftyOneImageDetectionDataset, with boxes as fractions of the picture's sides."""
    photos: list[Photo] = []
    yield from _pictures(content, "data", photos)
    labels = {_file(faces[0]).removesuffix(".jpg"): [_detection(face) for face in faces] for faces in photos}
    yield Entry("labels.json", _json({"labels": labels}))


def _detection(face: ExportedFace) -> dict[str, Any]:
    x, y, width, height = _shares(face)
    attributes = {"face": face.id, "quality": round(face.quality, 4)}
    return {
        "label": _label(face),
        "bounding_box": [round(share, 6) for share in (x, y, width, height)],
        "attributes": attributes,
    }


def label_studio(content: Content) -> Iterator[Entry]:
    """`images/` and tasks.json for a project with `<RectangleLabels name="label" toName="image">`, whose local file
    storage must serve `images`. labels.xml is the configuration of the project."""
    photos: list[Photo] = []
    yield from _pictures(content, "images", photos)
    yield Entry("tasks.json", _json([_task(faces) for faces in photos]))
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", name="image", value="$image")
    choices = ElementTree.SubElement(view, "RectangleLabels", name="label", toName="image")
    for name in (*content.classes, UNNAMED):
        ElementTree.SubElement(choices, "Label", value=name)
    yield Entry("labels.xml", _xml(view))


def _task(faces: Photo) -> dict[str, Any]:
    return {
        "data": {"image": f"/data/local-files/?d=images/{_file(faces[0])}"},
        "annotations": [{"result": [_rectangle(face) for face in faces]}],
    }


def _rectangle(face: ExportedFace) -> dict[str, Any]:
    x, y, width, height = (round(100 * share, 4) for share in _shares(face))
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [_label(face)]}
    return {
        "id": f"face-{face.id}", "type": "rectanglelabels", "from_name": "label", "to_name": "image",
        "original_width": face.width, "original_height": face.height, "image_rotation": 0, "value": value,
    }  # fmt: skip


def cvat(content: Content) -> Iterator[Entry]:
    """`images/` and annotations.xml: CVAT for images 1.1. A project needs labels of these names first."""
    photos: list[Photo] = []
    yield from _pictures(content, "images", photos)
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    for tag, text in (("name", "faceid"), ("size", str(len(photos))), ("mode", "annotation")):
        ElementTree.SubElement(task, tag).text = text
    labels = ElementTree.SubElement(task, "labels")
    for name in (*content.classes, UNNAMED):
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = name
        ElementTree.SubElement(label, "type").text = "rectangle"
        ElementTree.SubElement(label, "attributes")
    for number, faces in enumerate(photos):
        root.append(_cvat_image(number, faces))
    yield Entry("annotations.xml", _xml(root))


def _cvat_image(number: int, faces: Photo) -> ElementTree.Element:
    first = faces[0]
    image = ElementTree.Element(
        "image", id=str(number), name=_file(first), width=str(first.width), height=str(first.height)
    )
    for face in faces:
        box = clipped(face)
        edges = {"xtl": box.left, "ytl": box.top, "xbr": box.right, "ybr": box.bottom}
        facts = {"label": _label(face), "source": "manual", "occluded": "0", "z_order": "0"}
        ElementTree.SubElement(image, "box", {**facts, **{name: f"{edge:.2f}" for name, edge in edges.items()}})
    return image


def _pictures(content: Content, folder: str, written: list[Photo]) -> Iterator[Entry]:
    """Yield the picture of each photo. The faces of readable photos are appended to `written`."""
    for faces in by_photo(content.faces).values():
        picture = content.picture(faces[0], None)
        if picture is not None:
            written.append(faces)
            yield Entry(f"{folder}/{_file(faces[0])}", picture)


def _file(face: ExportedFace) -> str:
    return f"{face.photo_id:06d}.jpg"


def _label(face: ExportedFace) -> str:
    return face.person or UNNAMED


def _shares(face: ExportedFace) -> tuple[float, float, float, float]:
    """Return left, top, width and height as fractions of the photo's sides."""
    box = clipped(face)
    return box.left / face.width, box.top / face.height, box.width / face.width, box.height / face.height


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _xml(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
