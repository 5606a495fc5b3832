"""What is asked about a real library, and that an answer is remembered."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.steps import answer, ask
from faceid_core.steps.cluster import cluster_faces
from faceid_core.steps.map_faces import map_faces
from faceid_core.values import Flag, LabelSource, Vectors
from faceid_core.vectors import neighbours


def members(library: Library, number: int) -> list[int]:
    return [face.id for face in library.faces.of_cluster(number, limit=1000)]


def test_nothing_is_asked_where_all_is_well(filled: Library) -> None:
    asked = ask.questions(filled)
    assert (asked.people, asked.doubts, asked.twice) == ((), (), ())


def test_two_people_that_may_be_one(filled: Library) -> None:
    faces = members(filled, 1)
    half = len(faces) // 2
    filled.people.name_faces(faces[:half], "Ada")
    filled.people.name_faces(faces[half:], "Adah")
    (pair,) = ask.questions(filled).people
    assert {pair.one, pair.other} == {person.id for person in filled.people.all()}
    assert {face.person for face in filled.faces.get_many(pair.because)} == {"Ada", "Adah"}
    answer.not_one_person(filled, pair, "Ada and Adah")
    assert ask.questions(filled).people == ()
    filled.journal.undo()
    assert len(ask.questions(filled).people) == 1
    filled.people.describe(pair.one, hidden=True)
    assert ask.questions(filled).people == ()


def test_the_graph_of_the_grouping_is_used(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []  # faces of single groups are compared among themselves
    build = neighbours.build

    def counting(vectors: Vectors, *k: int) -> neighbours.NeighbourGraph:
        compared.append(len(vectors))
        return build(vectors, *k)

    monkeypatch.setattr(neighbours, "build", counting)
    assert ask.questions(filled).people == ()
    faces = cluster_faces(filled, preview=True, strictness=0.5).faces
    assert map_faces(filled, projector="pca").faces == faces
    assert max(compared, default=0) < faces


def test_groups_that_may_be_one_person_stay_apart_once_that_was_said(filled: Library) -> None:
    """One group was divided by hand; grouping anew joins it again, unless its parts were told apart."""
    ids = filled.faces.vectors("dlib-resnet+mirror").ids
    numbers = filled.clusters.numbers(ids)
    numbers[np.flatnonzero(numbers == 1)[::2]] = numbers.max() + 1
    filled.clusters.save_run("by hand", {}, "dlib-resnet+mirror", ids, numbers)
    groups = ask.questions(filled).groups
    assert groups[0].distance < 0.3
    for pair in groups:
        assert [face.cluster for face in filled.faces.get_many(pair.typical)] == [pair.one, pair.other]
    told = groups[0]
    answer.not_one_person(filled, told, f"groups {told.one} and {told.other}")
    assert ask.questions(filled).groups == groups[1:]
    cluster_faces(filled)
    one, other = (face.cluster for face in filled.faces.get_many(told.typical))
    assert one != other
    filled.journal.undo()
    filled.journal.undo()
    cluster_faces(filled)
    one, other = (face.cluster for face in filled.faces.get_many(told.typical))
    assert one == other


def test_a_wrong_name_is_doubted_until_a_human_insists(filled: Library) -> None:
    first, second = members(filled, 1), members(filled, 2)
    filled.people.name_faces(first, "Ada")
    filled.people.name_faces(second[1:], "Bo")
    filled.people.name_faces(second[:1], "Ada", source=LabelSource.IMPORTED)
    (doubt,) = ask.questions(filled).doubts
    assert (doubt.face, doubt.person) == (second[0], 1) and doubt.likelier == 2
    assert set(doubt.because) <= set(first)
    answer.name_is_right(filled, [doubt], "Ada")
    assert ask.questions(filled).doubts == ()
    assert filled.journal.recent(1)[0].summary == "Confirmed 1 face as “Ada”"
    filled.journal.undo()
    assert len(ask.questions(filled).doubts) == 1


def test_twice_on_a_photo(filled: Library) -> None:
    photo = next(photo for photo in filled.photos.page(limit=100) if len(filled.faces.of_photo(photo.id)) > 1)
    faces = [face.id for face in filled.faces.of_photo(photo.id)][:2]
    filled.people.name_faces(faces, "Ada")
    (twice,) = ask.questions(filled).twice
    assert (twice.photo, set(twice.faces)) == (photo.id, set(faces))
    answer.both_are_right(filled, twice, "Ada")
    assert ask.questions(filled).twice == ()


def test_a_library_that_is_not_grouped_asks_nothing(tmp_path: Path) -> None:
    with Library.open(Settings(library=tmp_path)) as empty:
        assert ask.questions(empty) == ask.Questions()


@pytest.mark.slow
def test_photos_of_one_moment(filled: Library, album: Album, tmp_path: Path) -> None:
    """A photo and the same a little further to the right, as the second one of a burst."""
    file = next(name for name, faces in album.photos.items() if len(faces) >= 3)
    with Image.open(album.folder / file) as image:
        upright = ImageOps.exif_transpose(image)
        upright.crop((0, 0, upright.width - 30, upright.height - 20)).save(tmp_path / "burst.jpg", quality=90)
    import_photos(filled, [tmp_path / "burst.jpg"])
    cluster_faces(filled, new_only=True)
    (moment,) = ask.questions(filled).duplicates
    paths = [Path(filled.photos.get(photo).path).name for photo in (moment.best, *moment.others)]
    assert sorted(paths) == sorted([file, "burst.jpg"])
    assert len(moment.unnamed) == len(moment.pairs) >= 2

    answer.keep_all(filled, moment)
    assert ask.questions(filled).duplicates == ()
    filled.journal.undo()
    answer.set_aside(filled, moment)
    assert {face.flag for face in filled.faces.get_many(moment.unnamed)} == {Flag.HIDDEN}
    assert ask.questions(filled).duplicates == ()
    filled.journal.undo()
    assert ask.questions(filled).duplicates == (moment,)


@pytest.fixture
def ungrouped(filled: Library) -> dict[int, int]:
    """All faces in no group; the group that each of those was in that had one."""
    ids = filled.faces.vectors("dlib-resnet+mirror").ids
    before = filled.clusters.numbers(ids)
    filled.clusters.save_run("none", {}, "dlib-resnet+mirror", ids, np.zeros(len(ids), np.int64))
    return {int(face): int(number) for face, number in zip(ids, before, strict=True) if number}


def test_faces_in_no_group_lie_beside_those_like_them(filled: Library, ungrouped: dict[int, int]) -> None:
    shown = [face.id for face in ask.singles(filled, limit=1000)]
    assert sorted(shown) == sorted(face.id for face in filled.faces.singles(limit=1000))
    beside = [one == ungrouped.get(other) for face, other in pairwise(shown) if (one := ungrouped.get(face))]
    assert np.mean(beside) > 0.8  # by chance it would be one in eight


def test_faces_in_no_group_are_paged_while_names_are_given(filled: Library, ungrouped: dict[int, int]) -> None:
    whole = [face.id for face in ask.singles(filled, limit=1000)]
    first = [face.id for face in ask.singles(filled, limit=5)]
    assert first == whole[:5]
    filled.people.name_faces([first[4], whole[6]], "Ada")
    behind = [face.id for face in ask.singles(filled, first[4], 3)]
    assert behind == [whole[5], whole[7], whole[8]]
    good = ask.singles(filled, limit=1000, least_quality=0.6)
    assert good and all(face.quality >= 0.6 for face in good)
