"""Names written beside photos and into them: taken back to the byte, and nobody else's work overwritten."""

from __future__ import annotations

import doctest
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from faceid_core.errors import DiskFull, ExifToolMissing, JobCancelled, NotFound
from faceid_core.exchange import exiftool
from faceid_core.exchange.face_regions import of_photo
from faceid_core.exchange.region_xml import IPTC
from faceid_core.importing.run import import_photos
from faceid_core.library import Library, PhotoQuery
from faceid_core.media import xmp
from faceid_core.media.folders import sha256_of
from faceid_core.media.xmp import RDF
from faceid_core.steps import jobs, write_names
from faceid_core.steps.import_names import take_names
from faceid_core.steps.write_names import MEANWHILE, NamesWritten, undo_writing
from faceid_core.values import Box, ConsentState, Flag, Presence
from tests.exchange.test_name_packet import PLAIN, theirs
from tests.library.conftest import new_face, new_photo
from tests.sharing import new_library


@dataclass
class Named:
    """Photos a.jpg, b.jpg … with one face each, Ada's, in a folder of their own."""

    library: Library
    folder: Path
    faces: dict[str, int]

    def write(self, **options: Any) -> NamesWritten:
        return write_names.write_names(self.library, **options)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}


BOX = Box(64, 80, 192, 200)


def add_photo(library: Library, path: Path, *, orientation: int = 1) -> int:
    """A picture on the disk and its row with one face at BOX. Returns the face."""
    exif, shade = Pillow.Exif(), hashlib.sha256(path.name.encode()).digest()
    exif[0x0112] = orientation
    size = (480, 640) if orientation >= 5 else (640, 480)
    Pillow.new("RGB", size, (shade[0], shade[1], shade[2])).save(path, exif=exif)
    face = new_face()
    shown = replace(face, face=replace(face.face, box=BOX))
    state = path.stat()
    photo = replace(new_photo(str(path), sha256_of(path)), faces=(shown,), size_bytes=state.st_size,
                    modified_ns=state.st_mtime_ns)  # fmt: skip
    (added,) = library.photos.add_many([photo])
    return library.faces.of_photo(added.photo_id)[0].id


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Named]:
    folder = tmp_path / "photos"
    folder.mkdir()
    with Library.open(new_library(tmp_path / "library")) as library:
        faces = {name: add_photo(library, folder / name) for name in ("a.jpg", "b.jpg", "c.jpg")}
        library.people.name_faces([*faces.values()], "Ada")
        yield Named(library, folder, faces)


def people_in(path: Path) -> list[str]:
    return [region.name for region in of_photo(path)]


def test_names_are_written_once_and_taken_back_to_the_byte(named: Named) -> None:
    (named.folder / "b.xmp").write_text(PLAIN, encoding="utf-8")
    before = named.files()
    first = named.write()
    assert (first.files, first.added, first.run) == (3, 3, 1)
    assert sorted(named.files()) == ["a.jpg", "a.xmp", "b.jpg", "b.xmp", "c.jpg", "c.xmp"]  # as the folder has it
    assert all(people_in(named.folder / name) == ["Ada"] for name in named.faces)
    written = named.files()
    again = named.write()
    assert (again.files, again.unchanged, again.run) == (0, 3, None)
    assert named.files() == written
    done = undo_writing(named.library)
    assert (done.restored, done.conflicts) == (3, [])
    assert named.files() == before
    assert [(run.files, run.undone) for run in named.library.written_names.runs()] == [(0, True)]
    with pytest.raises(NotFound, match="no writing of names to undo"):
        undo_writing(named.library)
    assert named.write().files == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_our_reader_finds_the_face_again(orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    with Library.open(new_library(tmp_path / "library")) as library:
        library.people.name_faces([add_photo(library, path, orientation=orientation)], "Ada")
        assert write_names.write_names(library).files == 1
        (region,) = of_photo(path)
        found = Box(region.box.left * 640, region.box.top * 480, region.box.right * 640, region.box.bottom * 480)
        assert found.as_tuple() == pytest.approx(BOX.as_tuple(), abs=0.01)
        assert take_names(library).known == 1


def test_names_follow_what_is_decided(named: Named) -> None:
    named.write()
    person = named.library.people.known("Ada")
    named.library.people.rename(person.id, "Ada King")
    named.library.faces.flag([named.faces["b.jpg"]], Flag.HIDDEN)
    named.library.people.remove_faces([named.faces["c.jpg"]], person.id)
    done = named.write()
    assert (done.files, done.added, done.removed) == (3, 1, 3)
    assert [people_in(named.folder / name) for name in named.faces] == [["Ada King"], [], []]
    assert undo_writing(named.library).restored == 3
    assert [people_in(named.folder / name) for name in named.faces] == [["Ada"]] * 3


def test_hidden_people_are_not_written(named: Named) -> None:
    person = named.library.people.known("Ada")
    named.library.people.describe(person.id, hidden=True)
    assert named.write().photos == 0
    assert "a.jpg.xmp" not in named.files()


def test_the_name_of_whoever_refuses_is_taken_out_of_the_files_and_not_written_again(named: Named) -> None:
    bo = named.library.people.name_faces([named.faces["c.jpg"]], "Bo").person_id
    named.write()
    named.library.consents.set(bo, ConsentState.REFUSED)
    done = named.write()
    assert (done.files, done.added, done.removed) == (1, 0, 1)
    assert [people_in(named.folder / name) for name in named.faces] == [["Ada"], ["Ada"], []]
    assert b"Bo" not in b"".join(named.files().values())
    assert named.write().files == 0
    named.library.consents.set(bo, ConsentState.GIVEN)
    assert named.write().added == 1


def test_what_others_say_stays_and_is_told(named: Named) -> None:
    (named.folder / "a.jpg.xmp").write_bytes(theirs("Bo"))
    done = named.write()
    assert [(Path(each.path).name, each.name) for each in done.conflicts] == [("a.jpg.xmp", "Ada")]
    assert (named.folder / "a.jpg.xmp").read_bytes() == theirs("Bo")
    assert people_in(named.folder / "a.jpg") == ["Bo"]


def test_a_file_that_changes_while_we_write_is_left_alone(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    about_to_change = named.library.written_names.about_to_change
    sidecar = named.folder / "b.jpg.xmp"

    def meanwhile(*arguments: Any) -> list[int]:
        sidecar.write_text("somebody else's", encoding="utf-8")
        return about_to_change(*arguments)

    monkeypatch.setattr(named.library.written_names, "about_to_change", meanwhile)
    done = named.write()
    assert [(each.path, each.reason) for each in done.conflicts] == [(str(sidecar), MEANWHILE)]
    assert sidecar.read_text(encoding="utf-8") == "somebody else's"
    assert undo_writing(named.library).restored == 2
    assert sidecar.exists()


def test_a_file_that_changed_since_is_not_taken_back(named: Named) -> None:
    named.write()
    sidecar = named.folder / "b.jpg.xmp"
    sidecar.write_bytes(sidecar.read_bytes() + b"\n")
    done = undo_writing(named.library)
    assert done.restored == 2
    assert [(each.path, each.reason) for each in done.conflicts] == [(str(sidecar), "it was changed since")]
    assert people_in(named.folder / "b.jpg") == ["Ada"]
    assert named.library.written_names.runs()[0].undone is False


def test_a_dry_run_and_a_folder(named: Named, tmp_path: Path) -> None:
    before = named.files()
    done = named.write(dry_run=True)
    assert (done.files, done.added, done.run, named.files() == before) == (3, 3, None, True)
    assert named.library.written_names.runs() == []
    assert named.write(folders=[tmp_path / "elsewhere"]).photos == 0
    assert named.write(folders=[named.folder / "a.jpg"]).paths == [str(named.folder / "a.jpg.xmp")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no xml", "it is not XML"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", "it declares a document type"),
        (b" " * (9 << 20), "it is larger than 8 MB"),
    ],
)
def test_a_sidecar_that_cannot_be_changed_is_told_and_left(named: Named, content: bytes, reason: str) -> None:
    import re

    (named.folder / "b.jpg.xmp").write_bytes(content)
    done = named.write()
    assert (done.files, len(done.failures)) == (2, 1)
    assert re.match(reason, done.failures[0].reason)
    assert (named.folder / "b.jpg.xmp").read_bytes() == content


def test_photos_that_changed_or_went_are_told(named: Named) -> None:
    Pillow.new("RGB", (640, 480), "red").save(named.folder / "a.jpg")
    (named.folder / "b.jpg").unlink()
    os.utime(named.folder / "c.jpg")  # the same bytes at another time
    done = named.write()
    assert (done.files, done.missing) == (1, 1)
    assert [each.reason for each in done.failures] == ["it was changed since its import; import it again first"]


@pytest.mark.parametrize(("number", "ends"), [(errno.EACCES, False), (errno.EROFS, False), (errno.ENOSPC, True)])
def test_an_unwritable_folder_and_a_full_disk(
    named: Named, number: int, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is half-written; what was written before the disk was full is known and can be taken back."""
    (named.folder / "b.jpg.xmp").write_text(PLAIN, encoding="utf-8")
    before, replace_file = named.files(), Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "b.jpg.xmp":
            raise OSError(number, os.strerror(number))
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    if ends:
        with pytest.raises(DiskFull, match="The disk is full; names were written into 1 file"):
            named.write()
    else:
        done = named.write()
        assert (done.files, len(done.failures)) == (2, 1)
        assert done.failures[0].reason.startswith("it can't be written (")
    monkeypatch.undo()
    assert named.files()["b.jpg.xmp"] == before["b.jpg.xmp"]
    assert not any(name.endswith(".partial") for name in named.files())
    undo_writing(named.library)
    assert named.files() == before


def test_a_crash_in_the_middle_is_undone_all_the_same(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    before, put = named.files(), write_names.put

    def dying(path: Path, content: bytes) -> None:
        if path.name == "b.jpg.xmp":
            raise KeyboardInterrupt
        put(path, content)

    monkeypatch.setattr(write_names, "put", dying)
    monkeypatch.setattr(named.library.written_names, "forget", lambda ids: None)  # a killed process can't
    with pytest.raises(KeyboardInterrupt):
        named.write()
    monkeypatch.undo()
    assert "a.jpg.xmp" in named.files()
    undo_writing(named.library)
    assert named.files() == before


def test_a_cancelled_job_keeps_what_it_wrote(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_names, "BATCH", 1)

    def stop(done: int, total: int, message: str = "") -> None:
        if done == 2:
            raise JobCancelled("enough")

    with pytest.raises(JobCancelled):
        named.write(progress=stop)
    assert sorted(named.files()) == ["a.jpg", "a.jpg.xmp", "b.jpg", "b.jpg.xmp", "c.jpg"]
    assert undo_writing(named.library).restored == 2


def test_as_jobs_without_names_in_their_results(named: Named) -> None:
    named.library.jobs.submit("write-names", {})
    (job,) = jobs.run_pending(named.library)
    assert (job.state, job.result["files"], job.result["run"]) == ("done", 3, 1)
    assert "Ada" not in repr(job.result) and str(named.folder) not in repr(job.result)
    named.library.jobs.submit("undo-names", {"run": 1})
    (job,) = jobs.run_pending(named.library)
    assert job.result == {"restored": 3, "conflicts": 0}


def test_plain_lists_by_a_setting(named: Named, tmp_path: Path) -> None:
    named.library.settings = named.library.settings.model_copy(update={"name_lists": "subject"})
    named.write()
    text = (named.folder / "a.jpg.xmp").read_text(encoding="utf-8")
    assert "<dc:subject><rdf:Bag><rdf:li>Ada</rdf:li>" in text and "PersonInImage" not in text


def test_whoever_is_erased_is_in_no_record(named: Named) -> None:
    named.write()
    person = named.library.people.known("Ada")
    named.library.people.rename(person.id, "Bo")
    named.write()
    assert any(b"Ada" in (file.before or b"") for file in named.library.written_names.files(2)[1])
    named.library.erasing.person(person.id)
    assert not any(b"Ada" in (file.before or b"") for file in named.library.written_names.files(2)[1])
    assert {each.reason for each in undo_writing(named.library).conflicts} == {"what it was before was erased"}
    done = named.write()  # what faceid wrote of them goes out of the files, too
    assert (done.removed, people_in(named.folder / "a.jpg")) == (3, [])


# --- into photos ------------------------------------------------------------------------------------------------
@pytest.mark.skipif(
    shutil.which("exiftool") is None and os.environ.get("CI") != "true", reason="ExifTool is not installed"
)
def test_names_go_into_photos_only_where_it_is_asked_for(named: Named) -> None:
    photo = named.folder / "a.jpg"
    before, pixels = named.files(), Pillow.open(photo).tobytes()
    done = named.write(folders=[photo], embed=True)
    assert (done.files, done.failures) == (1, [])
    assert sorted(named.files()) == sorted(before)
    assert Pillow.open(photo).tobytes() == pixels
    assert people_in(photo) == ["Ada"]
    assert named.write(folders=[photo], embed=True).unchanged == 1
    assert import_photos(named.library, [photo]).unchanged == 1
    assert named.library.photos.knows(sha256_of(photo))
    assert undo_writing(named.library).restored == 1
    assert named.files() == before
    assert import_photos(named.library, [photo]).unchanged == 1
    assert not [path for path in named.library.settings.originals_folder.rglob("*") if path.is_file()]


@pytest.mark.skipif(
    shutil.which("exiftool") is None and os.environ.get("CI") != "true", reason="ExifTool is not installed"
)
def test_of_a_link_the_photo_is_written_that_it_leads_to(named: Named, tmp_path: Path) -> None:
    link, photo = named.folder / "a.jpg", tmp_path / "elsewhere.jpg"
    link.rename(photo)
    link.symlink_to(photo)
    before = photo.read_bytes()
    assert named.write(folders=[named.folder], embed=True).failures == []
    assert link.is_symlink() and people_in(photo) == ["Ada"]
    assert undo_writing(named.library).conflicts == []
    assert link.is_symlink() and photo.read_bytes() == before


def test_a_photo_that_exiftool_refuses_is_told(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    before = named.files()
    monkeypatch.setattr(exiftool, "SECONDS", 1e-6)
    exiftool.version.cache_clear()
    monkeypatch.setattr(exiftool, "version", lambda: "12")
    done = named.write(embed=True)
    assert {each.reason for each in done.failures} == {"ExifTool took too long"}
    assert named.files() == before


def test_without_exiftool_one_sentence_says_what_to_install(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    exiftool.version.cache_clear()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ExifToolMissing, match="libimage-exiftool-perl"):
        named.write(embed=True)
    exiftool.version.cache_clear()


def test_the_words() -> None:
    assert doctest.testmod(write_names).failed == 0
    assert NamesWritten().in_words() == "No file needs a change"
    assert NamesWritten(files=1, missing=2, dry_run=True).in_words() == (
        "1 file would be changed; 2 photos not where they were"
    )


def plain_people(path: Path) -> list[str]:
    found = xmp.parse(path.read_bytes()).iter(f"{IPTC}PersonInImage")
    return [item.text or "" for bag in found for item in bag.iter(f"{RDF}li")]


def test_people_without_a_face_are_written_without_a_region(named: Named) -> None:
    named.library.faces.flag([named.faces["b.jpg"]], Flag.NOT_A_FACE)
    named.library.tags.add_person([1, 2], "Bo", Presence.BEHIND)
    named.library.tags.add_person([2], "Cy", Presence.UNSEEN)
    before = named.files()
    assert named.write(photos=PhotoQuery(only=(1, 2))).files == 2
    assert not (named.folder / "c.jpg.xmp").exists() and not (named.folder / "c.xmp").exists()
    first, second = (path for path in sorted(named.folder.iterdir()) if path.suffix == ".xmp")
    assert (people_in(named.folder / "a.jpg"), plain_people(first)) == (["Ada"], ["Bo"])
    assert (people_in(named.folder / "b.jpg"), plain_people(second)) == ([], ["Bo", "Cy"])
    assert named.write(photos=PhotoQuery(only=(1, 2))).files == 0
    named.library.people.describe(named.library.people.known("Bo").id, hidden=True)
    named.write()
    assert (plain_people(first), plain_people(second)) == ([], ["Cy"])
    named.library.tags.remove_person([2], named.library.people.known("Cy").id)
    named.write()
    assert plain_people(second) == []
    for _ in range(3):
        undo_writing(named.library)
    assert named.files() == before
