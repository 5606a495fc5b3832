"""A library that an older version wrote opens after `faceid db upgrade`, with everything that was decided in it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceid_core.errors import SchemaOutdated
from faceid_core.library import Library
from faceid_core.recognition import model_files
from faceid_core.settings import Settings
from faceid_core.values import Flag
from tests.cli.running import faceid
from tests.library.conftest import EMBEDDER, new_photo

STORED = Path(__file__).parent / "library_0004"
"""See make_library_0004.py."""

NAMES = {1: "Ada", 2: "Ada", 3: "Ada", 4: "Bo", 5: "Bo", 6: None, 7: None, 8: None}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "library"
    shutil.copytree(STORED / "models", folder / "models")
    with sqlite3.connect(folder / "faceid.db") as connection:
        connection.executescript((STORED / "library.sql").read_text())
    return Settings(library=folder)


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    with pytest.raises(SchemaOutdated, match="faceid db upgrade"):
        Library.open(settings)
    done = faceid("--library", settings.library, "db", "upgrade")
    assert done.code == 0, done.err
    with Library.open(settings) as opened:
        yield opened


def names(library: Library) -> dict[int, str | None]:
    return {face.id: face.person for face in library.faces.get_many(range(1, 9))}


def test_names_groups_and_recognisers_are_there(library: Library) -> None:
    assert names(library) == NAMES
    assert library.faces.get(7).flag is Flag.STRANGER
    assert library.pair_constraints.all(same=False).tolist() == [[1, 6]]
    assert (library.counts().photos, library.counts().failed, library.counts().clusters) == (5, 1, 2)
    [model] = library.models.all()
    assert model.classes == ["Ada", "Bo"]
    assert model_files.read(library.settings.models_folder / model.artifact).classes == ("Ada", "Bo")
    assert library.problems() == []


def test_every_decision_can_still_be_undone_and_redone(library: Library) -> None:
    library.journal.redo()
    assert names(library) == {**NAMES, 4: "Ada", 5: "Ada"}
    while any(not event.undone for event in library.journal.recent(100)):
        library.journal.undo()
    assert set(names(library).values()) == {None}
    assert library.problems() == []


def test_a_photo_read_again_keeps_every_face_that_the_journal_speaks_of(library: Library) -> None:
    """Face 8 has no name any more; that of an undone decision can come back."""
    library.photos.add_many([replace(new_photo("/photos/3.jpg", faces=0))], again=True)
    assert [face.id for face in library.faces.of_photo(4)] == [7, 8]


def test_copies_are_found_and_ids_go_on(library: Library, tmp_path: Path) -> None:
    hashes = np.random.default_rng(0).bytes(256)
    (tmp_path / "here.jpg").touch()
    photo = replace(new_photo(str(tmp_path / "here.jpg"), faces=1), phashes=hashes)
    assert library.photos.phashes([1, 5]).keys() == {1}
    library.erasing.photos([5])
    [added] = library.photos.add_many([photo])
    assert added.near_copy == 1
    assert (added.photo_id, [face.id for face in library.faces.of_photo(added.photo_id)]) == (6, [9])


def test_the_stored_library_is_small_and_of_its_version() -> None:
    sql = (STORED / "library.sql").read_text()
    assert "INSERT INTO \"alembic_version\" VALUES('0004')" in sql
    assert sum(file.stat().st_size for file in STORED.rglob("*") if file.is_file()) < 100_000
    assert EMBEDDER in sql
