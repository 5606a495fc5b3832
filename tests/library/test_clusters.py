"""Groups, the map, flags and the export: suggestions that never touch what a human decided."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest

from faceid_core.errors import NotFound
from faceid_core.library import Library, faces
from faceid_core.library.clusters import KEPT_RUNS
from faceid_core.values import Box, Flag, LabelSource
from tests.library.conftest import EMBEDDER, new_photo

NUMBERS = np.array([1, 1, 2, 2, 2, 0, 1, 1])


@pytest.fixture
def grouped(library: Library, faces: list[int]) -> list[int]:
    """Group 1: the faces 0, 1, 6, 7; group 2: 2, 3, 4; on its own: 5."""
    library.clusters.save_run("any", {"threshold": 0.4}, EMBEDDER, np.array(faces), NUMBERS)
    return faces


def test_groups_are_numbered_by_size(library: Library, grouped: list[int]) -> None:
    assert [(g.number, g.size, g.unnamed) for g in library.clusters.page()] == [(1, 4, 4), (2, 3, 3)]
    run = library.clusters.current()
    assert run is not None
    assert (run.parameters, run.faces, run.clusters) == ({"threshold": 0.4}, 8, 2)
    assert library.clusters.get(1).face_ids == (grouped[7], grouped[6], grouped[1], grouped[0])


def test_groups_tell_names_and_leave_the_page_when_all_are_named(library: Library, grouped: list[int]) -> None:
    library.people.name_faces(grouped[2:4], "Bob")
    library.people.name_faces(grouped[4:5], "Anna")
    assert library.clusters.get(2).people == (("Bob", 2), ("Anna", 1))
    assert [g.number for g in library.clusters.page()] == [1]
    assert [g.number for g in library.clusters.page(unnamed_only=False)] == [1, 2]
    assert library.clusters.page(after=1) == []


def test_flagged_faces_are_not_in_groups(library: Library, grouped: list[int]) -> None:
    library.faces.flag(grouped[2:4], Flag.NOT_A_FACE)
    assert [face.id for face in library.faces.of_cluster(2)] == [grouped[4]]
    assert library.clusters.get(2).size == 1
    library.faces.flag(grouped[4:5], Flag.STRANGER)
    assert [g.number for g in library.clusters.page()] == [1]


def test_faces_of_a_group_page_by_quality(library: Library, grouped: list[int]) -> None:
    library.people.name_faces(grouped[7:], "Anna")
    first = library.faces.of_cluster(1, limit=3)
    rest = library.faces.of_cluster(1, after=first[-1].id, limit=3)
    assert [face.id for face in first + rest] == [grouped[7], grouped[6], grouped[1], grouped[0]]
    assert [face.id for face in library.faces.of_cluster(1, unnamed=True)] == [grouped[6], grouped[1], grouped[0]]
    assert {face.cluster for face in first} == {1}


def test_singles_are_unnamed_faces_in_no_group(library: Library, grouped: list[int]) -> None:
    library.photos.add_many([new_photo("/new.jpg", faces=1, quality=0.99)])
    assert [face.id for face in library.faces.singles()] == [grouped[-1] + 1, grouped[5]]
    assert [face.id for face in library.faces.singles(after=grouped[-1] + 1)] == [grouped[5]]
    library.people.name_faces(grouped[5:6], "Anna")
    assert [face.id for face in library.faces.singles()] == [grouped[-1] + 1]


def test_regrouping_keeps_every_decision_and_forgets_old_runs(library: Library, grouped: list[int]) -> None:
    library.people.name_faces(grouped[:2], "Anna")
    library.faces.flag(grouped[2:3], Flag.HIDDEN)
    before = library.faces.get_many(grouped)
    for _ in range(KEPT_RUNS + 2):
        library.clusters.save_run("any", {}, EMBEDDER, np.array(grouped), np.ones(8, np.int64))
    after = library.faces.get_many(grouped)
    assert [(f.person, f.flag) for f in after] == [(f.person, f.flag) for f in before]
    assert {face.cluster for face in after} == {1}
    with pytest.raises(NotFound, match="grouped again"):
        library.clusters.get(2)


def test_a_grouping_is_one_event_that_can_be_undone(library: Library, grouped: list[int]) -> None:
    again = library.clusters.save_run(
        "any", {}, EMBEDDER, np.array(grouped), np.ones(8, np.int64), changes="4 faces move"
    )
    event = library.journal.recent(1)[0]
    assert (event.actor, event.summary) == ("owner", "Grouped 8 faces into 1 group: 4 faces move")
    library.journal.undo(event.id)
    assert [(g.number, g.size) for g in library.clusters.page()] == [(1, 4), (2, 3)]
    assert library.clusters.numbers(np.array(grouped)).tolist() == NUMBERS.tolist()
    assert [face.id for face in library.faces.singles()] == [grouped[5]]
    assert library.journal.recent(1)[0].undone_by == "owner"
    library.journal.redo()
    run = library.clusters.current()
    assert (run is not None and run.id, library.clusters.get(1).size) == (again, 8)
    assert library.problems() == []


def test_however_many_groupings_are_undone_the_one_in_force_stays(library: Library, grouped: list[int]) -> None:
    for _ in range(KEPT_RUNS + 2):
        library.clusters.save_run("any", {}, EMBEDDER, np.array(grouped), np.ones(8, np.int64))
        library.journal.undo()
    assert library.clusters.numbers(np.array(grouped)).tolist() == NUMBERS.tolist()
    assert len(library.journal.recent(100)) <= KEPT_RUNS + 2


def test_grouping_nothing(library: Library) -> None:
    assert library.clusters.current() is None
    assert library.clusters.page() == []
    library.clusters.save_run("any", {}, EMBEDDER, np.empty(0, np.int64), np.empty(0, np.int64))
    assert library.clusters.page() == []
    with pytest.raises(ValueError, match="differ in length"):
        library.clusters.save_run("any", {}, EMBEDDER, np.arange(2), np.arange(3))


def test_counts(library: Library, grouped: list[int]) -> None:
    library.people.name_faces(grouped[:3], "Anna")
    library.faces.flag(grouped[3:4], Flag.STRANGER)
    library.photos.add_many([new_photo("/broken.jpg", error="damaged")])
    counts = library.counts()
    assert (counts.photos, counts.failed, counts.faces) == (5, 1, 8)
    assert (counts.unnamed, counts.named, counts.people, counts.clusters) == (4, 3, 1, 2)


def test_map_is_replaced_and_hides_flagged_faces(library: Library, grouped: list[int]) -> None:
    library.maps.save("pca", EMBEDDER, np.array(grouped), np.zeros((8, 2), np.float32))
    library.maps.save("pca", EMBEDDER, np.array(grouped[1:]), np.arange(14, dtype=np.float32).reshape(7, 2))
    library.maps.save("umap", EMBEDDER, np.array(grouped), np.ones((8, 2), np.float32))
    library.people.name_faces(grouped[2:3], "Anna")
    library.faces.flag(grouped[1:2], Flag.NOT_A_FACE)
    points = library.maps.points("pca", EMBEDDER)
    assert points.face_ids.tolist() == grouped[2:]
    assert (points.x[0], points.y[0]) == (2.0, 3.0)
    assert points.clusters == [2, 2, 2, None, 1, 1]
    assert points.people == ["Anna"] + [None] * 5
    assert library.maps.points("nothing").face_ids.shape == (0,)


def test_export_has_a_row_for_every_face(library: Library, grouped: list[int]) -> None:
    library.people.name_faces(grouped[:1], "Anna", source=LabelSource.IMPORTED)
    library.faces.flag(grouped[1:2], Flag.NOT_A_FACE)
    faces = list(library.exports.faces())
    assert len(faces) == 8
    first = faces[0]
    assert (first.path, first.box, first.score) == ("/photos/0.jpg", Box(10, 20, 50, 70), 0.9)
    assert (first.quality, first.cluster, first.person, first.label_source) == (0.1, 1, "Anna", "imported")


def test_crops(library: Library, faces: list[int]) -> None:
    assert library.faces.crop(faces[0]) == b"a JPEG"
    assert library.faces.crops([*faces, 999]) == dict.fromkeys(faces, b"a JPEG")
    with pytest.raises(NotFound):
        library.faces.crop(999)
    with pytest.raises(NotFound):
        library.faces.get(999)


def test_threads_that_ask_first_at_the_same_time_share_one_set_of_columns() -> None:
    """Of four pages opened right after a start, one failed: SQLAlchemy had made the columns of MEMBERS twice."""
    spec = spec_from_file_location("faces_anew", faces.__file__)
    assert spec is not None and spec.loader is not None
    anew = module_from_spec(spec)
    spec.loader.exec_module(anew)
    assert "_columns" in vars(anew.MEMBERS), "columns are made while one thread imports the module"
