"""Exports: who and what is left out, what can go wrong, archives, and the way to another library."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceid_core.errors import BadInput, NoFaces, NotAllowed, NotWritable, PathNotFound, UnknownChoice
from faceid_core.exchange import saving
from faceid_core.exchange.export_content import Entry
from faceid_core.exchange.export_formats import FORMATS
from faceid_core.library import ExportQuery, Library, PhotoQuery
from faceid_core.media import images
from faceid_core.media.source import Photograph
from faceid_core.settings import Settings
from faceid_core.steps import replay_decisions
from faceid_core.steps.export import archive, export_as, form_of, preview
from faceid_core.values import Actor, ConsentState, Flag, Role
from tests import sharing
from tests.steps.conftest import faces_of


def names_of(library: Library) -> set[str]:
    return {person.name for person in library.people.all()}


# --- who and what is left out -----------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["table", "embeddings", *FORMATS])
def test_hidden_and_refusing_people_are_in_no_export(named: Library, tmp_path: Path, form: str) -> None:
    ann, bo = (named.people.known(name) for name in ("Ann Lee", "Bo"))
    other = named.people.known("AC/DC").id
    named.people.describe(bo.id, hidden=True)
    gone = {face.id for person in (ann, bo) for face in named.faces.of_person(person.id, limit=99)}
    named.consents.set(ann.id, ConsentState.REFUSED)
    target = tmp_path / {"table": "faces.json", "embeddings": "faces.npz"}.get(form, "out")
    query = ExportQuery(people=(other,)) if form == "gallery" else ExportQuery(flags=tuple(Flag))
    export_as(named, target, form, query)
    files = [target] if target.is_file() else [file for file in target.rglob("*") if file.is_file()]
    written = b"".join(file.name.encode() + file.read_bytes() for file in files)
    assert b"Ann Lee" not in written
    binary = {".jpg", ".tar", ".npz", ".parquet"}  # may hold any three bytes by chance
    texts = b"".join(file.read_bytes() for file in files if file.suffix not in binary)
    assert b'Bo"' not in texts and "“Bo”".encode() not in texts
    assert not gone & {face.id for face in named.exports.faces(query)}


def test_hidden_faces_are_blurred_in_pictures(named: Library, tmp_path: Path) -> None:
    photo = Counter(face.photo_id for face in faces_of(named)).most_common(1)[0][0]
    hidden = next(face for face in faces_of(named) if face.photo_id == photo)
    export_as(named, tmp_path / "before", "coco")
    named.faces.flag([hidden.id], Flag.HIDDEN)
    export_as(named, tmp_path / "after", "coco")
    left, top, right, bottom = map(round, hidden.box.as_tuple())
    with (
        Image.open(tmp_path / "before" / "images" / f"{photo:06d}.jpg") as seen,
        Image.open(tmp_path / "after" / "images" / f"{photo:06d}.jpg") as blurred,
    ):
        crops = [np.asarray(one.crop((left, top, right, bottom))).astype(int) for one in (seen, blurred)]
        change = np.abs(crops[0] - crops[1]).mean()
    assert change > 4
    boxes = json.loads((tmp_path / "after" / "annotations.json").read_text())["annotations"]
    assert hidden.id not in {each["id"] for each in boxes}


def test_filters(named: Library) -> None:
    ann = named.people.known("Ann Lee").id
    everything = faces_of(named)
    assert {face.person for face in faces_of(named, people=(ann,))} == {"Ann Lee"}
    best = sorted(face.quality for face in everything)[len(everything) // 2]
    assert {face.id for face in faces_of(named, least_quality=best)} == {
        face.id for face in everything if face.quality >= best
    }
    first = everything[0]
    assert {face.path for face in faces_of(named, photos=PhotoQuery(text=Path(first.path).name))} == {first.path}
    stranger = next(face.id for face in everything if face.person is None)
    named.faces.flag([stranger], Flag.STRANGER)
    assert [face.id for face in faces_of(named, flags=(Flag.STRANGER,))] == [stranger]
    assert stranger not in {face.id for face in faces_of(named)}


def test_the_preview_counts_what_is_written(named: Library, tmp_path: Path) -> None:
    found, size = preview(named, "imagefolder", ExportQuery())
    done = export_as(named, tmp_path / "faces", "imagefolder", split=0)
    assert (found.faces, found.people) == (done.faces, 3)
    assert 0.9 < done.bytes / size < 1.1
    found, size = preview(named, "albums", ExportQuery(people=(named.people.known("Bo").id,)))
    done = export_as(named, tmp_path / "albums", "albums", ExportQuery(people=(named.people.known("Bo").id,)))
    assert (done.bytes, found.photos) == (size, done.files)
    assert preview(named, "table", ExportQuery())[0].faces == len(faces_of(named))
    assert preview(named, "gallery", ExportQuery(people=(-1,))) == (
        preview(named, "coco", ExportQuery(people=(-1,)))[0],
        0,
    )


# --- bad input --------------------------------------------------------------------------------------------------
def test_what_can_not_be_exported_is_said_and_nothing_is_left(named: Library, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "old.txt").write_text("mine")
    cases: list[tuple[Path, str | None, type[Exception], str]] = [
        (full, "coco", BadInput, "not empty; choose a new folder"),
        (full / "old.txt", "coco", BadInput, "not empty"),
        (tmp_path / "no" / "where", "lfw", PathNotFound, "There is no folder"),
        (tmp_path / "x", "nothing", UnknownChoice, "There is no form nothing"),
        (tmp_path / "x.xyz", None, UnknownChoice, "choose a form with --as"),
    ]
    for target, form, error, words in cases:
        with pytest.raises(error, match=words):
            export_as(named, target, form)
    with pytest.raises(NoFaces, match="No face meets these conditions"):
        export_as(named, tmp_path / "x", "coco", ExportQuery(least_quality=1.0))
    assert [path.name for path in full.iterdir()] == ["old.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {"full", "library"}


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_a_full_disk_in_the_middle_leaves_nothing(
    named: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    def fails(path: Path, data: bytes) -> int:
        if path.name == "annotations.json":
            raise OSError(28, "No space left on device")
        return write(path, data)

    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", fails)
    if target == "out.zip":

        def fails_in_zip(entries: Iterator[Entry]) -> Iterator[bytes]:
            yield next(pieces(entries))
            raise OSError(28, "No space left on device")

        pieces = saving.zipped
        monkeypatch.setattr(saving, "zipped", fails_in_zip)
    with pytest.raises(
        NotWritable, match=r"can't be written \(No space left on device\); export to another folder"
    ):
        export_as(named, tmp_path / target, "coco")
    assert [path.name for path in tmp_path.iterdir()] == ["library"]


def test_an_empty_folder_is_taken_and_one_of_a_killed_export_is_cleared(named: Library, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "half").write_text("x")
    export_as(named, tmp_path / "out", "lfw")
    assert not list(tmp_path.glob(".out*")) and not (tmp_path / "out" / "half").exists()


def test_a_photo_that_is_gone_or_changed_is_told(
    named: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, changed, *others = sorted({face.path for face in faces_of(named)})
    read = images.read

    def other(path: Any, **options: Any) -> Photograph:
        photo = read(tmp_path / "gone.jpg" if path == gone else path, **options)
        return replace(photo, width=photo.width + 1) if path == changed else photo

    monkeypatch.setattr(images, "read", other)
    done = export_as(named, tmp_path / "coco", "coco")
    assert [problem.partition(":")[0] for problem in done.problems] == [
        f"{Path(path).name} is left out" for path in (gone, changed)
    ]
    assert len(list((tmp_path / "coco" / "images").iterdir())) == len(others)
    written = json.loads((tmp_path / "coco" / "annotations.json").read_text())
    assert {box["image_id"] for box in written["annotations"]} == {image["id"] for image in written["images"]}


# --- archives ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", [form for form in FORMATS if form != "gallery"])
def test_an_archive_has_what_the_folder_has(named: Library, tmp_path: Path, form: str) -> None:
    export_as(named, tmp_path / "folder", form)
    export_as(named, tmp_path / "out.zip", form)
    streamed = b"".join(archive(named, form, ExportQuery()))
    assert streamed == (tmp_path / "out.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(streamed)) as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path / "unpacked")
    for folder, other in (("folder", "unpacked"), ("unpacked", "folder")):
        for file in (tmp_path / folder).rglob("*"):
            same = tmp_path / other / file.relative_to(tmp_path / folder)
            assert same.is_dir() or same.read_bytes() == file.read_bytes()


def test_only_owners_export(named: Library, tmp_path: Path) -> None:
    for actor in (Actor("Vera", Role.VIEWER), Actor("Edi", Role.EDITOR)):
        mine = named.acting_as(actor)
        for form in ("table", "embeddings", "coco"):
            with pytest.raises(NotAllowed):
                export_as(mine, tmp_path / "out.csv", form)
            with pytest.raises(NotAllowed):
                preview(mine, form, ExportQuery())
        with pytest.raises(NotAllowed):
            archive(mine, "coco", ExportQuery())
    assert form_of(Path("a.NPZ")) == "embeddings"


# --- there and back ---------------------------------------------------------------------------------------------
def test_names_are_the_same_after_export_and_import_elsewhere(
    named: Library, imported_folder: Path, tmp_path: Path
) -> None:
    replay_decisions.export(named, tmp_path / "decisions.json")
    export_as(named, tmp_path / "here.csv")
    elsewhere = Settings(library=sharing.copy_library(imported_folder, tmp_path / "elsewhere"))
    with Library.open(elsewhere) as other:
        assert not names_of(other)
        replay_decisions.replay(other, tmp_path / "decisions.json")
        export_as(other, tmp_path / "there.csv")
        assert names_of(other) == names_of(named)
    assert (tmp_path / "there.csv").read_text() == (tmp_path / "here.csv").read_text()
