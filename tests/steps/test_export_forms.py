"""Each form of export, opened again by the library that it is for, or against its documented layout."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from faceid_core.errors import BadInput
from faceid_core.exchange.export_content import clipped
from faceid_core.library import ExportQuery, Library
from faceid_core.steps.export import export_as, held_out, preview
from faceid_core.values import Presence
from tests.library.conftest import new_photo
from tests.steps.conftest import faces_of

SIDE = 150
"""Pixels of an aligned face."""


# --- aligned faces ----------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_an_image_folder_opens_in_torchvision(named: Library, tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    done = export_as(named, tmp_path / "faces", "imagefolder")
    train, valid = (ImageFolder(str(tmp_path / "faces" / part)) for part in ("train", "valid"))
    assert train.classes == valid.classes == ["AC_DC", "Ann Lee", "Bo"] and done.problems == []
    assert len(train) + len(valid) == len(faces_of(named, named_only=True)) == done.faces
    picture, _ = train[0]
    assert picture.size == (SIDE, SIDE)
    names = json.loads((tmp_path / "faces" / "people.json").read_text())
    assert names == {"AC_DC": "AC/DC", "Ann Lee": "Ann Lee", "Bo": "Bo"}


def test_whole_photos_are_held_out(named: Library, tmp_path: Path) -> None:
    faces = faces_of(named, named_only=True)
    held = held_out(faces, 0.3)
    sides = {(face.photo_id, face.id in held) for face in faces}
    assert len(sides) == len({face.photo_id for face in faces}) and 0 < len(held) < len(faces)
    assert held == held_out(faces, 0.3) and held_out([], 0.3) == held_out(faces_of(named)[:0], 0.3) == frozenset()


@pytest.mark.slow
def test_without_a_split_there_is_one_part(named: Library, tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    export_as(named, tmp_path / "faces", "imagefolder", split=0)
    assert ImageFolder(str(tmp_path / "faces")).classes == ["AC_DC", "Ann Lee", "Bo"]
    assert not (tmp_path / "faces" / "train").exists()


def test_whoever_can_not_be_split_is_left_out_and_told(named: Library, tmp_path: Path) -> None:
    (lone,) = [face.id for face in named.faces.of_cluster(4)][:1]
    named.people.name_faces([lone], "Cy")
    done = export_as(named, tmp_path / "faces", "imagefolder")
    assert done.problems == ["“Cy” is left out: their photos can't be split into two parts"]
    assert not list((tmp_path / "faces").rglob("Cy"))


@pytest.mark.slow
def test_lfw_opens_in_scikit_learn(named: Library, tmp_path: Path) -> None:
    from sklearn.datasets._lfw import _fetch_lfw_people

    export_as(named, tmp_path / "lfw", "lfw", split=0)
    whole = (slice(0, SIDE), slice(0, SIDE))
    faces, target, names = _fetch_lfw_people(str(tmp_path / "lfw"), slice_=whole, min_faces_per_person=1)
    assert faces.shape == (len(faces_of(named, named_only=True)), SIDE, SIDE) and len(set(target)) == 3
    assert list(names) == ["AC DC", "Ann Lee", "Bo"]  # it makes spaces of underscores
    lines = (tmp_path / "lfw" / "lfw-names.txt").read_text().splitlines()
    for folder, number in (line.split("\t") for line in lines):
        files = sorted(file.name for file in (tmp_path / "lfw" / folder).iterdir())
        assert files == [f"{folder}_{place:04d}.jpg" for place in range(1, int(number) + 1)]


@pytest.mark.slow
def test_a_web_dataset_streams(named: Library, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    export_as(named, tmp_path / "faces", "webdataset")
    classes = (tmp_path / "faces" / "classes.txt").read_text().splitlines()
    seen: Counter[str] = Counter()
    for part in ("train", "valid"):
        shards = [str(file) for file in sorted((tmp_path / "faces").glob(f"{part}-*.tar"))]
        samples = webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8").to_tuple("jpg", "cls", "json")
        for picture, number, facts in samples:
            assert picture.shape == (SIDE, SIDE, 3) and classes[number] == facts["person"]
            seen[facts["person"]] += 1
    assert seen == Counter(face.person for face in faces_of(named, named_only=True))


@pytest.mark.slow
def test_hugging_face_opens_it(named: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    export_as(named, tmp_path / "faces", "huggingface")
    loaded = datasets.load_dataset(str(tmp_path / "faces"), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train", "validation"}
    labels = loaded["train"].features["label"].names
    first = loaded["train"][0]
    assert labels == ["AC/DC", "Ann Lee", "Bo"] and first["image"].size == (SIDE, SIDE)
    seen = Counter(labels[row] for part in loaded.values() for row in part["label"])
    assert seen == Counter(face.person for face in faces_of(named, named_only=True))


# --- photos with boxes ------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_coco_opens_in_pycocotools(named: Library, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    export_as(named, tmp_path / "coco", "coco")
    opened = coco.COCO(str(tmp_path / "coco" / "annotations.json"))
    expected = {face.id: face for face in faces_of(named)}
    assert set(opened.getAnnIds()) == set(expected)
    for box in opened.loadAnns(opened.getAnnIds()):
        face, (image,) = expected[box["id"]], opened.loadImgs(box["image_id"])
        (category,) = opened.loadCats(box["category_id"])
        assert category["name"] == (face.person or "unnamed")
        left, top, width, height = box["bbox"]
        assert left >= 0 and top >= 0 and left + width <= image["width"] and top + height <= image["height"]
        assert abs(left - max(face.box.left, 0)) <= 0.01
        with Image.open(tmp_path / "coco" / "images" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"]) and not picture.getexif()


def test_fiftyone_has_its_documented_layout(named: Library, tmp_path: Path) -> None:
    """FiftyOneImageDetectionDataset: data/<name>.<ext>, labels.json with shares of the sides."""
    export_as(named, tmp_path / "fo", "fiftyone")
    labels = json.loads((tmp_path / "fo" / "labels.json").read_text())["labels"]
    assert {file.stem for file in (tmp_path / "fo" / "data").iterdir()} == set(labels)
    seen = [each for detections in labels.values() for each in detections]
    assert Counter(each["label"] for each in seen) == Counter(face.person or "unnamed" for face in faces_of(named))
    for each in seen:
        x, y, width, height = each["bounding_box"]
        assert min(x, y) >= 0 and x + width <= 1.00001 and y + height <= 1.00001 and min(width, height) > 0


def test_cvat_has_its_documented_layout(named: Library, tmp_path: Path) -> None:
    """CVAT for images 1.1: images/ and annotations.xml; each label is declared before it is used."""
    export_as(named, tmp_path / "cvat", "cvat")
    root = ElementTree.parse(tmp_path / "cvat" / "annotations.xml").getroot()
    assert (root.tag, root.findtext("version"), root.findtext("meta/task/mode")) == (
        "annotations",
        "1.1",
        "annotation",
    )
    declared = {label.findtext("name") for label in root.iterfind("meta/task/labels/label")}
    images = root.findall("image")
    assert [image.get("id") for image in images] == [str(number) for number in range(len(images))]
    expected = {
        (f"{face.photo_id:06d}.jpg", f"{clipped(face).right:.2f}"): face.person or "unnamed"
        for face in faces_of(named)
    }
    for image in images:
        assert (tmp_path / "cvat" / "images" / str(image.get("name"))).is_file()
        for box in image.iterfind("box"):
            edges = [float(str(box.get(name))) for name in ("xtl", "ytl", "xbr", "ybr")]
            assert 0 <= edges[0] < edges[2] <= float(str(image.get("width"))) and box.get("label") in declared
            assert {"occluded", "source", "z_order"} <= set(box.keys())
            assert box.get("label") == expected[str(image.get("name")), str(box.get("xbr"))]
    assert len(root.findall("image/box")) == len(faces_of(named))


def test_label_studio_has_its_documented_layout(named: Library, tmp_path: Path) -> None:
    """Basic JSON: per task data.image and annotations[].result[] with percentages; names are in labels.xml."""
    export_as(named, tmp_path / "ls", "labelstudio")
    tasks = json.loads((tmp_path / "ls" / "tasks.json").read_text())
    view = ElementTree.parse(tmp_path / "ls" / "labels.xml").getroot()
    (choices,), (image,) = view.findall("RectangleLabels"), view.findall("Image")
    declared = {label.get("value") for label in choices.iterfind("Label")}
    results = [result for task in tasks for result in task["annotations"][0]["result"]]
    assert len(results) == len(faces_of(named))
    for task in tasks:
        assert (tmp_path / "ls" / task["data"]["image"].partition("?d=")[2]).is_file()
    for result in results:
        assert (result["from_name"], result["to_name"]) == (choices.get("name"), image.get("name"))
        assert result["type"] == "rectanglelabels" and set(result["value"]["rectanglelabels"]) <= declared
        assert result["value"]["x"] >= 0 and result["value"]["x"] + result["value"]["width"] <= 100.001


def test_the_pixels_of_a_turned_photo_are_upright_and_bare(empty: Library, tmp_path: Path) -> None:
    """These programs heed no orientation."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "somebody's secret"
    Image.new("RGB", (80, 60)).save(tmp_path / "turned.jpg", exif=exif)
    empty.photos.add_many([replace(new_photo("turned"), path=str(tmp_path / "turned.jpg"), width=60, height=80)])
    export_as(empty, tmp_path / "coco", "coco")
    written = json.loads((tmp_path / "coco" / "annotations.json").read_text())
    (entry,), (box,) = written["images"], written["annotations"]
    file = tmp_path / "coco" / "images" / entry["file_name"]
    with Image.open(file) as picture:
        assert picture.size == (60, 80) == (entry["width"], entry["height"])
    assert b"secret" not in file.read_bytes()
    assert box["bbox"] == [10, 20, 40, 50]


# --- tables -----------------------------------------------------------------------------------------------------
def test_the_table_opens_in_pandas(named: Library, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    for name in ("faces.csv", "faces.parquet"):
        assert export_as(named, tmp_path / name).faces == named.counts().faces
    from_csv, from_parquet = (
        pandas.read_csv(tmp_path / "faces.csv"),
        pandas.read_parquet(tmp_path / "faces.parquet"),
    )
    assert list(from_csv.columns) == list(from_parquet.columns)
    assert from_csv["person"].value_counts().to_dict() == from_parquet["person"].value_counts().to_dict()
    assert np.allclose(from_csv["left"], from_parquet["left"])


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_vectors_are_those_of_the_library(named: Library, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"vectors{suffix}"
    done = export_as(named, file, "embeddings")
    if suffix == ".npz":
        with np.load(file, allow_pickle=False) as packed:
            faces, people, vectors = packed["face"], list(packed["person"]), packed["vectors"]
            embedder = str(packed["embedder"])
    else:
        import pyarrow.parquet as pq

        table = pq.read_table(file)
        faces, people = np.array(table["face"]), [name or "" for name in table["person"].to_pylist()]
        vectors = np.array(table["vector"].to_pylist(), np.float32)
        embedder = table.schema.metadata[b"embedder"].decode()
    stored = named.faces.vectors(embedder)
    assert done.faces == len(stored.ids) > 0
    assert dict(zip(faces.tolist(), vectors.tolist(), strict=True)) == dict(
        zip(stored.ids.tolist(), stored.vectors.tolist(), strict=True)
    )
    assert set(people) == {"Ann Lee", "Bo", "AC/DC", ""}


# --- albums and gallery -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("link", ["copy", "hard", "symbolic"])
def test_albums_hold_the_photos_of_each_person(named: Library, tmp_path: Path, link: Any) -> None:
    export_as(named, tmp_path / "albums", "albums", link=link)
    for folder, name in (("Ann Lee", "Ann Lee"), ("AC_DC", "AC/DC")):
        files = {file.name: file for file in (tmp_path / "albums" / folder).iterdir()}
        faces = [face for face in faces_of(named) if face.person == name]
        assert set(files) == {Path(face.path).name for face in faces}
        for face in faces:
            file = files[Path(face.path).name]
            assert file.read_bytes() == Path(face.path).read_bytes()
            assert file.is_symlink() is (link == "symbolic")
            assert file.samefile(face.path) is (link != "copy")


def test_albums_and_galleries_hold_photos_of_people_without_a_face(named: Library, tmp_path: Path) -> None:
    bo, grandma = named.people.known("Bo").id, "Grandma"
    theirs = {face.photo_id for face in named.faces.of_person(bo, limit=99)}
    photos = [photo for photo in named.photos.page(limit=99) if photo.id not in theirs][:3]
    one, two, three = photos
    named.tags.add_person([one.id, two.id], "Bo", Presence.BEHIND)
    named.tags.add_person([three.id], grandma, Presence.UNSEEN)
    seen = preview(named, "albums", ExportQuery(people=(bo,)))[0]
    assert seen.photos == len(theirs) + 2
    export_as(named, tmp_path / "albums", "albums")
    files = {file.name for file in (tmp_path / "albums" / "Bo").iterdir()}
    assert {Path(one.path).name, Path(two.path).name} <= files and len(files) == seen.photos
    assert [file.name for file in (tmp_path / "albums" / grandma).iterdir()] == [Path(three.path).name]
    only = ExportQuery(people=(named.people.known(grandma).id,))
    export_as(named, tmp_path / "gallery", "gallery", only)
    assert (tmp_path / "gallery" / "photos" / "0001.jpg").exists(), "nobody has to have a face"
    named.people.describe(only.people[0], hidden=True)
    assert named.exports.without_face(only) == [] == named.exports.without_face(ExportQuery(people=(10**6,)))


def test_a_gallery_works_alone_and_names_nobody_else(named: Library, tmp_path: Path) -> None:
    ann = named.people.known("Ann Lee").id
    export_as(named, tmp_path / "ann", "gallery", ExportQuery(people=(ann,)))
    page = (tmp_path / "ann" / "index.html").read_text()
    assert "<h1>Ann Lee</h1>" in page and "http://" not in page and "https://" not in page and "<script" not in page
    written = b"".join(file.read_bytes() for file in (tmp_path / "ann").rglob("*") if file.is_file())
    for secret in ("AC/DC", ">Bo<", "photo-00"):
        assert secret.encode() not in written
    links = {part.partition('"')[0] for part in page.split('href="')[1:]}
    assert links == {f"photos/{file.name}" for file in (tmp_path / "ann" / "photos").iterdir()}
    assert len(links) == len({face.photo_id for face in faces_of(named, people=(ann,))})


def test_a_gallery_takes_one_person(named: Library, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Choose one person"):
        export_as(named, tmp_path / "all", "gallery")
