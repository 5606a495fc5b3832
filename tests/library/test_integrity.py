"""The deep check: silent on a sound library however it came about, and loud about each kind of damage."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from faceid_core.library import Library
from faceid_core.library.store.integrity import replay
from faceid_core.values import Flag, Presence
from tests.library.conftest import EMBEDDER


def decide(library: Library, faces: list[int]) -> None:
    """A little of everything, also undone and done again out of order."""
    ada = library.people.name_faces(faces[:3], "Ada").person_id
    bo = library.people.name_faces(faces[3:5], "Bo").person_id
    library.people.rename(ada, "Ada Lovelace")
    library.people.reject(faces[5:6], bo)
    library.faces.flag(faces[6:7], Flag.STRANGER)
    library.people.set_cover(ada, faces[1])
    library.people.remove_faces(faces[:1], ada)
    flagged = next(event for event in library.journal.recent() if event.kind == "flag")
    library.journal.undo(flagged.id)
    library.people.name_faces(faces[6:7], "Cy")
    library.tags.add_person([1, 2], bo, Presence.BEHIND)
    library.tags.add_person([2, 4], ada, Presence.UNSEEN)
    library.tags.remove_person([4], ada)
    library.tags.add([1, 3], "Sea")
    library.tags.remove([3], "sea")
    library.people.merge(ada, [bo])
    library.journal.undo()
    library.journal.redo()


def damage(library: Library, statement: str) -> None:
    """Past the library's own connections, which would refuse to orphan rows."""
    if library.settings.database_url:
        statement = re.sub(r"x'(\w*)'", r"'\\x\1'", statement)
        with library._database.write() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))  # no foreign keys
            assert session.connection().exec_driver_sql(statement).rowcount > 0
        return
    with sqlite3.connect(library.settings.library / "faceid.db") as connection:
        assert connection.execute(statement).rowcount > 0


@pytest.mark.slow
def test_whatever_people_do_the_library_stays_sound(library: Library, faces: list[int]) -> None:
    assert library.problems() == []
    decide(library, faces)
    assert library.problems() == []
    while any(not event.undone for event in library.journal.recent(100)):
        library.journal.undo()
        assert library.problems() == []


def test_the_replay_finds_every_name(library: Library, faces: list[int]) -> None:
    decide(library, faces)
    with library._database.read() as session:
        labels = {key[1][0] for key, row in replay(session).items() if key[0] == "label" and row}
    assert labels == {face.id for face in library.faces.get_many(faces) if face.person}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM label WHERE face_id = 2", "1 rows of label in the history are missing"),
        ("UPDATE person SET name = 'Eve' WHERE name = 'Ada Lovelace'", "1 rows of person differ from the history"),
        ("UPDATE face SET flag = 'hidden' WHERE id = 8", "1 rows of face differ from the history"),
        ("DELETE FROM rejection", "rejection in the history are missing"),
        ("DELETE FROM crop WHERE face_id < 3", "2 faces have no picture"),
        ("UPDATE crop SET data = x''", "8 face pictures are empty"),
        ("DELETE FROM embedding WHERE face_id = 4", "1 faces have no vector"),
        ("UPDATE embedding SET vector = x'00' WHERE face_id = 4", f"The vectors of {EMBEDDER} differ in length"),
        ("DELETE FROM photo WHERE id = 1", "rows of face refer to a row that no longer exists"),
    ],
)
def test_damage_is_found(library: Library, faces: list[int], statement: str, said: str) -> None:
    decide(library, faces)
    damage(library, statement)
    assert any(said in problem for problem in library.problems()), library.problems()


def test_a_torn_page_is_found(library: Library, faces: list[int], tmp_path: Path) -> None:
    if library.settings.database_url:
        pytest.skip("PostgreSQL checks its pages itself")
    file = library.settings.library / "faceid.db"
    library.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        index = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_face_photo_id'").fetchone()[
            0
        ]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(file.read_bytes())
    content[(index - 1) * size + 8 : index * size] = bytes(size - 8)
    file.write_bytes(content)
    with Library.open(library.settings) as damaged:
        assert any("damaged" in problem for problem in damaged.problems())
