"""What is erased is gone: from the tables, the journal, the models folder and the bytes of the file."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from faceid_core.errors import BadInput, LibraryBusy, NotFound, OutOfDate
from faceid_core.library import Erasure, Library
from faceid_core.library.store import compaction, engines
from faceid_core.values import Flag, Role
from tests.library.conftest import EMBEDDER, new_face, new_photo, open_empty
from tests.library.test_integrity import decide


def stored(library: Library) -> bytes:
    """All bytes of the database, its write-ahead log included; of PostgreSQL those in its tables."""
    if library.settings.database_url:
        with library._database.read() as session:
            tables = [session.execute(text(f"SELECT * FROM {name}")).all() for name in SQLModel.metadata.tables]
        return repr(tables).encode()
    return b"".join(path.read_bytes() for path in library.settings.library.glob("faceid.db*"))


def person(library: Library, name: str) -> int:
    found = library.people.find(name)
    assert found is not None
    return found.id


@pytest.fixture
def lives(library: Library) -> list[int]:
    """Six faces on three photos, with crops and vectors that can be found again in the file."""
    for number in range(3):
        photo = new_photo(f"/photos/{number}.jpg", faces=2)
        faces = [new_face(vector=100.5 + 2 * number + one) for one in range(2)]
        marked = [replace(face, crop=f"crop-{number}-{one}".encode() * 50) for one, face in enumerate(faces)]
        library.photos.add_many([replace(photo, faces=tuple(marked))])
    return [int(face) for face in library.faces.vectors(EMBEDDER).ids]


def test_a_person_is_gone_from_every_byte(library: Library, lives: list[int]) -> None:
    library.people.name_faces(lives[:2], "Zebedee")
    library.people.rename(person(library, "Zebedee"), "Quillon")
    library.people.name_faces(lives[2:3], "Xanthippe")
    library.people.merge(person(library, "Quillon"), [person(library, "Xanthippe")])
    library.people.name_faces(lives[3:5], "Bo")
    job = library.jobs.submit("train", {})
    library.jobs.claim()
    library.jobs.finish(job.id, {"classes": ["Quillon", "Bo"]})
    library.models.add(EMBEDDER, ["Bo", "Quillon"], {}, 0.5, {"Quillon": 3}, "knows")
    for folder in (library.settings.models_folder / "knows", library.settings.graphs_folder):
        folder.mkdir(parents=True)
    assert all(name in stored(library) for name in (b"Zebedee", b"Quillon", b"Xanthippe", b"crop-0-0"))

    quillon = person(library, "Quillon")
    expected = library.erasing.person(quillon, preview=True)
    assert (expected.faces, expected.models) == (3, 1) and person(library, "Quillon") == quillon
    assert library.erasing.person(quillon) == expected

    left = stored(library)
    for trace in (b"Zebedee", b"Quillon", b"Xanthippe", b"crop-0-0", b"crop-0-1", b"crop-1-0"):
        assert trace not in left
    assert b"crop-1-1" in left and b"Bo" in left
    assert not (library.settings.models_folder / "knows").exists()
    assert not library.settings.graphs_folder.exists()
    assert library.models.all() == []
    assert [one.name for one in library.people.all()] == ["Bo"]
    assert library.problems() == []


def test_a_name_is_gone_where_it_stands_alone(library: Library, faces: list[int]) -> None:
    name = 'Ann "Queen" Bø'
    library.people.name_faces(faces[:1], name)
    library.people.name_faces(faces[:2], "Bo")
    library.people.merge(person(library, name), [person(library, "Bo")])
    library.journal.undo()
    job = library.jobs.submit("train", {})
    library.jobs.claim()
    library.jobs.finish(job.id, {"classes": [name]})
    library.erasing.person(person(library, name))
    assert b"Queen" not in stored(library)
    assert not [event for event in library.journal.recent() if "Queen" in event.summary]
    assert library.jobs.get(job.id).result == {}
    assert library.problems() == []


@pytest.mark.slow
def test_others_keep_their_journal(library: Library, faces: list[int]) -> None:
    decide(library, faces)
    library.erasing.person(person(library, "Cy"))
    assert library.problems() == []
    assert not any("Cy" in event.summary for event in library.journal.recent(100))
    while any(not event.undone and event.kind != "erase" for event in library.journal.recent(100)):
        library.journal.undo()
        assert library.problems() == []
    assert library.people.all() == []


def test_a_face_that_moved_on_keeps_its_present_name(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:3], "Ada")
    library.people.name_faces(faces[:1], "Bo")
    library.erasing.person(person(library, "Ada"))
    assert library.people.get(person(library, "Bo")).faces == 1
    assert library.problems() == []
    library.journal.undo()
    assert library.people.all() == [] and library.problems() == []


def test_erasing_is_not_undone(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:1], "Ada")
    library.erasing.faces(faces[4:5])
    erased = library.journal.recent(1)[0]
    assert (erased.kind, erased.summary) == ("erase", "Erased faces")
    with pytest.raises(BadInput, match="can't be restored"):
        library.journal.undo(erased.id)
    assert library.journal.undo().kind == "name"  # the newest that can be undone


def test_faces_leave_their_groups(library: Library, faces: list[int]) -> None:
    import numpy as np

    ids = library.faces.vectors(EMBEDDER).ids
    library.clusters.save_run("test", {}, EMBEDDER, ids, np.array([1, 1, 1, 1, 1, 2, 2, 2]))
    library.people.name_faces(faces[:2], "Ada")
    library.people.set_cover(person(library, "Ada"), faces[0])
    assert library.erasing.faces([faces[0], *faces[5:], 999]).faces == 4
    assert [group.size for group in library.clusters.page()] == [4]
    assert library.people.get(person(library, "Ada")).faces == 1
    assert library.problems() == []


def test_photos_go_with_their_faces_and_may_come_back(library: Library, faces: list[int]) -> None:
    library.faces.flag(faces[:1], Flag.STRANGER)
    photo = library.photos.at(["/photos/0.jpg"])["/photos/0.jpg"]
    gone = library.erasing.photos([photo])
    assert (gone.photos, gone.faces) == (1, 2)
    assert library.counts().photos == 3 and library.counts().faces == 6
    assert library.problems() == []
    assert library.photos.add_many([new_photo("/photos/0.jpg")])[0].outcome == "imported"


def test_nobody_and_nothing(library: Library, faces: list[int]) -> None:
    with pytest.raises(NotFound):
        library.erasing.person(99)
    assert library.erasing.faces([]).faces == 0
    assert library.erasing.photos([77]).photos == 0
    assert library.journal.recent() == []


# --- names that are parts of names ------------------------------------------------------------------------------
def summaries(library: Library) -> list[str]:
    """The whole history, oldest first."""
    return [event.summary for event in reversed(library.journal.recent(100))]


def four_annas(library: Library, faces: list[int]) -> dict[str, int]:
    """Ann, Anna, Anna Maria and Bo with all that summaries say of them."""
    people = {}
    for face, name in zip(faces, ("Ann", "Anna", "Anna Maria", "Bo"), strict=False):
        people[name] = library.people.name_faces([face], name).person_id
    for number in people.values():
        library.people.reject(faces[7:8], number)
        library.people.describe(number, hidden=True)
    library.people.name_faces([faces[4]], "Anna Marie")
    library.people.rename(person(library, "Anna Marie"), "Maria Anna")
    for whom in ("Anna and Bo", "Anna Maria and Bo", "Bo and Ann", "groups 3 and 8"):
        library.pair_constraints.say(
            [(faces[5], faces[6])], same=whom[1] == "n", summary=f"Said that {whom} are two people"
        )
    return people


@pytest.mark.parametrize("name", ["Ann", "Anna", "Anna Maria"])
def test_a_name_in_a_longer_name_stays(library: Library, faces: list[int], name: str) -> None:
    people = four_annas(library, faces)
    before = summaries(library)
    library.erasing.person(people[name])
    for old, new in zip(before, summaries(library)[:-1], strict=True):
        whole = re.findall(r"(Anna Maria|Anna Marie|Maria Anna|Anna|Ann)(?!\w)", old)
        assert new == (old.replace(name, "somebody erased") if name in whole else old)
    assert library.problems() == []


def test_only_what_concerns_a_person_is_changed(library: Library, faces: list[int]) -> None:
    """Where a sentence may be read in two ways nothing may stay of whoever was erased."""
    library.people.name_faces(faces[:2], "Anna")
    library.people.name_faces(faces[:1], "Anna Maria")
    library.people.name_faces(faces[2:3], "Anna and Bo")
    library.people.merge(person(library, "Anna Maria"), [person(library, "Anna and Bo")])
    library.erasing.person(person(library, "Anna"))
    assert summaries(library) == [
        "Named 2 faces “somebody erased”",
        "Named 1 face “Anna Maria”",
        "Named 1 face “Anna and Bo”",
        "Merged “somebody erased and Bo” into “Anna Maria”",
        "Erased a person",
    ]
    assert library.problems() == []


def test_names_in_quotes_are_whole(library: Library, faces: list[int]) -> None:
    anna = library.people.name_faces(faces[:1], "Anna").person_id
    for whom in ("“Anna Maria” and “Bo”", "“Bo” and “Anna”"):
        library.pair_constraints.say(
            [(faces[5], faces[6])], same=whom[1] == "A", summary=f"Said that {whom} are two people"
        )
    library.erasing.person(anna)
    assert summaries(library)[1:3] == [
        "Said that “Anna Maria” and “Bo” are two people",
        "Said that “Bo” and “somebody erased” are two people",
    ]


def test_jobs_that_tell_a_longer_name_stay(library: Library, faces: list[int]) -> None:
    anna = library.people.name_faces(faces[:1], "Anna").person_id
    library.people.name_faces(faces[1:2], "Anna Maria")
    results = ({"classes": ["Anna Maria", "Bo"]}, {"classes": ["Anna", "Bo"]})
    jobs: list[int] = []
    for result in results:
        jobs.append(library.jobs.submit("train", {"number": len(jobs)}).id)
        library.jobs.claim()
        library.jobs.finish(jobs[-1], result)
    library.erasing.person(anna)
    assert [library.jobs.get(job).result for job in jobs] == [results[0], {}]


# --- others use the library meanwhile ---------------------------------------------------------------------------
@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "WAIT_SECONDS", 0.3)


@pytest.mark.slow
def test_bytes_that_a_reader_holds_go_at_the_next_opening(
    library: Library, lives: list[int], impatient: None
) -> None:
    zebedee = library.people.name_faces(lives[:2], "Zebedee").person_id
    with library._database.read() as reader:
        assert reader.scalars(text("SELECT name FROM person")).all() == ["Zebedee"]
        gone = library.erasing.person(zebedee)
        assert (gone.faces, gone.bytes_remain, library.erasing.unfinished) == (2, True, True)
        assert library.people.all() == []
        with Library.open(library.settings) as other:  # not past the reader either, and nothing is lost by it
            assert other.erasing.unfinished
            assert any("erased data" in problem for problem in other.problems())
    with Library.open(library.settings) as other:
        assert not other.erasing.unfinished and other.problems() == []
        assert b"Zebedee" not in stored(library) and b"crop-0-0" not in stored(library)
    assert not library.erasing.unfinished


def test_a_reader_that_ends_is_waited_for(library: Library, lives: list[int]) -> None:
    zebedee = library.people.name_faces(lives[:2], "Zebedee").person_id
    reading = threading.Event()

    def read_a_moment() -> None:
        with library._database.read() as reader:
            assert reader.scalars(text("SELECT name FROM person")).all()
            reading.set()
            time.sleep(0.5)

    reader = threading.Thread(target=read_a_moment)
    reader.start()
    assert reading.wait(10)
    gone = library.erasing.person(zebedee)
    reader.join()
    assert not gone.bytes_remain and not library.erasing.unfinished
    assert b"Zebedee" not in stored(library)


def test_a_writer_after_the_erasure_is_no_failure(
    library: Library, lives: list[int], impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library.settings.database_url:
        pytest.skip("PostgreSQL's writers don't lock the whole database")
    zebedee = library.people.name_faces(lives[:2], "Zebedee").person_id
    finish = compaction.Compaction.finish
    with closing(sqlite3.connect(library.settings.library / "faceid.db")) as writer:

        def locked(self: compaction.Compaction, wait_seconds: float | None = None) -> bool:
            writer.execute("BEGIN IMMEDIATE")
            return finish(self, wait_seconds)

        with monkeypatch.context() as patched:
            patched.setattr(compaction.Compaction, "finish", locked)
            assert library.erasing.person(zebedee).bytes_remain
        writer.rollback()
    assert library.people.all() == [] and library.erasing.unfinished
    assert library.erasing.finish() and b"Zebedee" not in stored(library)


def test_a_locked_library_erases_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.2)
    with open_empty(tmp_path) as library, ExitStack() as others:
        library.photos.add_many([new_photo("/photos/0.jpg")])
        ada = library.people.name_faces([1], "Ada").person_id
        other = others.enter_context(Library.open(library.settings))
        others.enter_context(other._database.write()).execute(text("SELECT 1"))
        with pytest.raises(LibraryBusy, match="try again"):
            library.erasing.person(ada)
        assert not library.erasing.unfinished
        assert library.people.find("Ada") is not None  # all() would count anew, and write


def test_an_erasure_that_was_killed_is_finished_at_the_next_opening(
    library: Library, lives: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    zebedee = library.people.name_faces(lives[:2], "Zebedee").person_id

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(compaction.Compaction, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            library.erasing.person(zebedee)
    assert library.erasing.unfinished
    with Library.open(library.settings) as again:
        assert not again.erasing.unfinished and b"Zebedee" not in stored(library)


def test_a_face_that_is_named_at_the_last_moment_goes_too(
    library: Library, lives: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    zebedee = library.people.name_faces(lives[:2], "Zebedee").person_id
    write = library._database.write

    def named_first(need: Role) -> object:  # between the look and the act
        monkeypatch.setattr(library._database, "write", write)
        library.people.name_faces(lives[2:3], "Zebedee")
        return write(need)

    monkeypatch.setattr(library._database, "write", named_first)
    assert library.erasing.person(zebedee).faces == 3
    assert b"Zebedee" not in stored(library)


def test_a_photo_with_more_faces_than_were_confirmed_stays(library: Library) -> None:
    library.photos.add_many([new_photo("a")])
    photo = library.photos.page()[0]
    with pytest.raises(OutOfDate, match="instead of 7 faces"):
        library.erasing.photos([photo.id], seen=Erasure(faces=7, photos=1))
    assert library.photos.get(photo.id).faces == photo.faces
    assert not library.erasing.unfinished
