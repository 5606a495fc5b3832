"""What is erased is gone: from the tables, the journal, the models folder and the bytes of the file."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from faceid_core.errors import BadInput, NotFound
from faceid_core.library import Library
from faceid_core.values import Flag
from tests.library.conftest import EMBEDDER, new_face, new_photo
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
    library.people.name_faces(lives[:2], "Zebedee", actor="a")
    library.people.rename(person(library, "Zebedee"), "Quillon", actor="a")
    library.people.name_faces(lives[2:3], "Xanthippe", actor="a")
    library.people.merge(person(library, "Quillon"), [person(library, "Xanthippe")], actor="a")
    library.people.name_faces(lives[3:5], "Bo", actor="a")
    job = library.jobs.submit("train", {})
    library.jobs.claim()
    library.jobs.finish(job.id, {"classes": ["Quillon", "Bo"]})
    library.models.add(EMBEDDER, ["Bo", "Quillon"], {}, 0.5, {"Quillon": 3}, "knows")
    for folder in (library.settings.models_folder / "knows", library.settings.graphs_folder):
        folder.mkdir(parents=True)
    assert all(name in stored(library) for name in (b"Zebedee", b"Quillon", b"Xanthippe", b"crop-0-0"))

    quillon = person(library, "Quillon")
    expected = library.erasing.person(quillon, actor="a", preview=True)
    assert (expected.faces, expected.models) == (3, 1) and person(library, "Quillon") == quillon
    assert library.erasing.person(quillon, actor="a") == expected

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
    library.people.name_faces(faces[:1], name, actor="a")
    library.people.name_faces(faces[:2], "Bo", actor="a")
    library.people.merge(person(library, name), [person(library, "Bo")], actor="a")
    library.journal.undo()
    job = library.jobs.submit("train", {})
    library.jobs.claim()
    library.jobs.finish(job.id, {"classes": [name]})
    library.erasing.person(person(library, name), actor="a")
    assert b"Queen" not in stored(library)
    assert not [event for event in library.journal.recent() if "Queen" in event.summary]
    assert library.jobs.get(job.id).result == {}
    assert library.problems() == []


def test_others_keep_their_journal(library: Library, faces: list[int]) -> None:
    decide(library, faces)
    library.erasing.person(person(library, "Cy"), actor="a")
    assert library.problems() == []
    assert not any("Cy" in event.summary for event in library.journal.recent(100))
    while any(not event.undone and event.kind != "erase" for event in library.journal.recent(100)):
        library.journal.undo()
        assert library.problems() == []
    assert library.people.all() == []


def test_a_face_that_moved_on_keeps_its_present_name(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:3], "Ada", actor="a")
    library.people.name_faces(faces[:1], "Bo", actor="a")
    library.erasing.person(person(library, "Ada"), actor="a")
    assert library.people.get(person(library, "Bo")).faces == 1
    assert library.problems() == []
    library.journal.undo()
    assert library.people.all() == [] and library.problems() == []


def test_erasing_is_not_undone(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:1], "Ada", actor="a")
    library.erasing.faces(faces[4:5], actor="a")
    erased = library.journal.recent(1)[0]
    assert (erased.kind, erased.summary) == ("erase", "Erased faces")
    with pytest.raises(BadInput, match="gone for good"):
        library.journal.undo(erased.id)
    assert library.journal.undo().kind == "name"  # the newest that can be undone


def test_faces_leave_their_groups(library: Library, faces: list[int]) -> None:
    import numpy as np

    ids = library.faces.vectors(EMBEDDER).ids
    library.clusters.save_run("test", {}, EMBEDDER, ids, np.array([1, 1, 1, 1, 1, 2, 2, 2]))
    library.people.name_faces(faces[:2], "Ada", actor="a")
    library.people.set_cover(person(library, "Ada"), faces[0], actor="a")
    assert library.erasing.faces([faces[0], *faces[5:], 999], actor="a").faces == 4
    assert [group.size for group in library.clusters.page()] == [4]
    assert library.people.get(person(library, "Ada")).faces == 1
    assert library.problems() == []


def test_photos_go_with_their_faces_and_may_come_back(library: Library, faces: list[int]) -> None:
    library.faces.flag(faces[:1], Flag.STRANGER, actor="a")
    photo = library.photos.at(["/photos/0.jpg"])["/photos/0.jpg"]
    gone = library.erasing.photos([photo], actor="a")
    assert (gone.photos, gone.faces) == (1, 2)
    assert library.counts().photos == 3 and library.counts().faces == 6
    assert library.problems() == []
    assert library.photos.add_many([new_photo("/photos/0.jpg")])[0].outcome == "imported"


def test_nobody_and_nothing(library: Library, faces: list[int]) -> None:
    with pytest.raises(NotFound):
        library.erasing.person(99, actor="a")
    assert library.erasing.faces([], actor="a").faces == 0
    assert library.erasing.photos([77], actor="a").photos == 0
    assert library.journal.recent() == []
