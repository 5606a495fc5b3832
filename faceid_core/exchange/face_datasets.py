"""Data sets of aligned faces (150x150 px) by person, for training: ImageFolder, LFW, WebDataset, Hugging Face."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

from faceid_core.exchange.export_content import Content, Entry, batches, file_names
from faceid_core.values import ExportedFace

FACES_A_SHARD = 2000
"""About 12 MB of JPEG: a shard is put together in memory."""

LFW_PLACES = 4
"""Digits of the number in the name of a picture of LFW."""


def image_folder(content: Content) -> Iterator[Entry]:
    """`train/Ann/000012.jpg`, and `valid/…` for whole photos that are held out; people.json has the names.

    torchvision numbers the classes of each part by its folders, so that whoever is in one part alone is left out.
    """
    folders = file_names(content.classes)
    everywhere = set(content.classes)
    for part in content.parts:
        everywhere &= {face.person for face in content.named if content.part_of(face) == part and face.person}
    for name in content.classes:
        if name not in everywhere:
            content.problems.append(f"“{name}” is left out: their photos can't be split into two parts")
    kept = [face for face in content.named if face.person in everywhere]
    for face, crop in content.with_crops(kept):
        part = f"{content.part_of(face)}/" if content.split else ""
        yield Entry(f"{part}{folders[face.person or '']}/{face.id:06d}.jpg", crop)
    yield _names({folders[name]: name for name in content.classes if name in everywhere})


def lfw(content: Content) -> Iterator[Entry]:
    """`Ann_Lee/Ann_Lee_0001.jpg` as in Labeled Faces in the Wild, with lfw-names.txt; in train/ and valid/ if
    split."""
    folders = file_names(content.classes, space="_")
    numbers: Counter[tuple[str, str]] = Counter()
    for face, crop in content.with_crops(content.named):
        part, folder = (f"{content.part_of(face)}/" if content.split else ""), folders[face.person or ""]
        numbers[part, folder] += 1
        yield Entry(f"{part}{folder}/{folder}_{numbers[part, folder]:0{LFW_PLACES}d}.jpg", crop)
    for part in {part for part, _ in numbers}:
        lines = [f"{folder}\t{number}" for (where, folder), number in sorted(numbers.items()) if where == part]
        yield Entry(f"{part}lfw-names.txt", "".join(f"{line}\n" for line in lines).encode())
    yield _names({folders[name]: name for name in content.classes})


def web_dataset(content: Content) -> Iterator[Entry]:
    """`train-000000.tar` with a .jpg, a .cls (the number of the class) and a .json for each face; classes.txt."""
    classes = {name: number for number, name in enumerate(content.classes)}
    for part in content.parts:
        wanted = [face for face in content.named if content.part_of(face) == part]
        for number, some in enumerate(batches(content.with_crops(wanted), FACES_A_SHARD)):
            yield Entry(f"{part}-{number:06d}.tar", _shard(some, classes))
    yield Entry("classes.txt", "".join(f"{name}\n" for name in content.classes).encode())


def _shard(faces: list[tuple[ExportedFace, bytes]], classes: dict[str, int]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for face, crop in faces:
            person = face.person or ""
            facts = {"face": face.id, "person": person, "photo": face.photo_id, "quality": round(face.quality, 4)}
            described = json.dumps(facts, ensure_ascii=False).encode()
            for ending, data in (("jpg", crop), ("cls", str(classes[person]).encode()), ("json", described)):
                member = tarfile.TarInfo(f"{face.id:08d}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def hugging_face(content: Content) -> Iterator[Entry]:
    """Parquet files as the Hub has them, whose schema says that `image` is a picture and `label` a class."""
    for part, name in (("train", "train"), ("valid", "validation")):
        if part not in content.parts:
            continue
        wanted = [face for face in content.named if content.part_of(face) == part]
        shards = max(1, -(-len(wanted) // FACES_A_SHARD))
        for number, some in enumerate(batches(content.with_crops(wanted), FACES_A_SHARD)):
            yield Entry(f"data/{name}-{number:05d}-of-{shards:05d}.parquet", _table(some, content.classes))
    yield Entry("README.md", CARD.encode())


CARD = """---
task_categories:
- image-classification
---
Aligned faces, 150x150 px, exported by faceid. `datasets.load_dataset` opens this folder.
"""


def _table(faces: list[tuple[ExportedFace, bytes]], classes: list[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        "label": {"names": classes, "_type": "ClassLabel"},
        "face": {"dtype": "int64", "_type": "Value"},
        "photo": {"dtype": "int64", "_type": "Value"},
        "quality": {"dtype": "float32", "_type": "Value"},
    }
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    types = (picture, pa.int64(), pa.int64(), pa.int64(), pa.float32())
    stated = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pa.schema(list(zip(features, types, strict=True)), metadata=stated)
    number = {name: place for place, name in enumerate(classes)}
    rows = [
        {"image": {"bytes": crop, "path": f"{face.id:06d}.jpg"}, "label": number[face.person or ""],
         "face": face.id, "photo": face.photo_id, "quality": face.quality}
        for face, crop in faces
    ]  # fmt: skip
    packed = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), packed)
    return packed.getvalue()


def _names(folders: dict[str, str]) -> Entry:
    """Which name each folder stands for: a file system does not take every name."""
    return Entry("people.json", json.dumps(folders, ensure_ascii=False, indent=1).encode())
