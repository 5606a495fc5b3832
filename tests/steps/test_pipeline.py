"""Grouping and mapping of the library, and the jobs that do it in the background."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceid_core.clustering import metrics
from faceid_core.errors import NoFaces, NoModel, NoPhotos, NotEnoughLabels, UnknownChoice
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.library.clusters import Clusters
from faceid_core.library.faces import Faces
from faceid_core.library.gallery import Gallery
from faceid_core.library.pair_constraints import PairConstraints
from faceid_core.sample import Album
from faceid_core.steps import jobs
from faceid_core.steps.cluster import cluster_faces
from faceid_core.steps.evaluate import evaluate_clusters
from faceid_core.steps.map_faces import map_faces
from faceid_core.steps.recognise import load_recogniser
from faceid_core.values import JobState
from faceid_core.vectors import neighbour_cache


def true_names(library: Library, album: Album) -> dict[int, str]:
    """Face id -> who was drawn there."""
    names: dict[int, str] = {}
    for photo in library.photos.page(limit=1000):
        for face in library.faces.of_photo(photo.id):
            true = max(album.photos[Path(photo.path).name], key=lambda known: known.box.iou(face.box))
            if true.box.iou(face.box) > 0.4:
                names[face.id] = true.person
    return names


def test_the_default_grouping_finds_the_drawn_people(filled: Library, album: Album) -> None:
    names = true_names(filled, album)
    found = filled.faces.get_many(sorted(names))
    labels = np.array([face.cluster or -1 for face in found])
    truth = np.unique([names[face.id] for face in found], return_inverse=True)[1]
    assert metrics.pairwise(labels, truth).f >= 0.95


def test_grouping_again_leaves_names_alone(filled: Library) -> None:
    group = filled.clusters.page()[0]
    ids = [face.id for face in filled.faces.of_cluster(group.number)]
    filled.people.name_faces(ids, "Anna")
    cluster_faces(filled, threshold=0.2)
    assert {face.person for face in filled.faces.get_many(ids)} == {"Anna"}


@pytest.mark.slow
def test_another_embedder_keeps_every_decision(filled: Library) -> None:
    before = filled.clusters.current()
    ids = [face.id for face in filled.faces.of_cluster(1)]
    anna = filled.people.name_faces(ids[1:], "Anna").person_id
    filled.people.reject(ids[:1], anna)
    filled.settings.mirror = not filled.settings.mirror
    cluster_faces(filled)
    after = filled.clusters.current()
    assert after is not None and before is not None and after.embedder != before.embedder
    assert after.faces == before.faces
    assert {face.person for face in filled.faces.get_many(ids[1:])} == {"Anna"}
    assert filled.faces.get(ids[0]).cluster not in {face.cluster for face in filled.faces.get_many(ids[1:])}
    old, new = (filled.faces.vectors(run.embedder) for run in (before, after))
    assert (old.ids == new.ids).all()
    assert 0.01 < np.linalg.norm(old.vectors - new.vectors, axis=1).mean() < 0.5
    assert filled.problems() == []


@pytest.mark.slow
def test_new_faces_join_without_moving_anyone(filled: Library, album: Album, tmp_path: Path) -> None:
    """An eighth of the photos comes later: the groups are those of all photos at once."""
    names = true_names(filled, album)
    later = sorted(album.folder.glob("*.jpg"))[::8]
    gone = filled.photos.at([str(path) for path in later]).values()
    filled.erasing.photos(gone)
    cluster_faces(filled)
    before = {face: number for face, number in _numbers(filled).items() if number}
    import_photos(filled, later)
    report = cluster_faces(filled, new_only=True)
    after = _numbers(filled)
    assert {face: after[face] for face in before} == before
    assert (report.moved, report.merged, report.split) == (0, 0, 0)
    assert report.faces == len(after) > len(before)
    names = true_names(filled, album)
    labels = [after[face] or -1 for face in names]
    assert metrics.pairwise(labels, [names[face] for face in names]).f >= 0.95
    filled.journal.undo()
    assert {face: number for face, number in _numbers(filled).items() if number} == before


def _numbers(library: Library) -> dict[int, int]:
    ids = library.faces.vectors("dlib-resnet+mirror").ids
    return dict(zip(ids.tolist(), library.clusters.numbers(ids).tolist(), strict=True))


def test_groups_are_measured_by_the_names_that_people_gave(filled: Library, album: Album) -> None:
    with pytest.raises(NotEnoughLabels, match="at least two people"):
        evaluate_clusters(filled)
    names = true_names(filled, album)
    for name in set(names.values()):
        filled.people.name_faces([face for face, true in names.items() if true == name], name)
    runs = filled.clusters.current()
    found = evaluate_clusters(filled)
    assert (found.faces, found.people) == (len(names), len(set(names.values())))
    assert min(found.pairwise.f, found.bcubed.f, found.purity) >= 0.95
    assert found.people <= found.acts <= found.people + 3
    assert filled.clusters.current() == runs
    alone = evaluate_clusters(filled, threshold=0.01)
    assert (alone.acts, alone.pairwise.recall, alone.purity) == (len(names), 0, 1)


def test_a_grouping_tells_its_errors_by_the_names_given(filled: Library, album: Album) -> None:
    """As if nobody had a name: names keep groups apart, and that would be no measure."""
    assert cluster_faces(filled, preview=True).measured is None
    names = true_names(filled, album)
    for name in set(names.values()):
        filled.people.name_faces([face for face, true in names.items() if true == name], name)
    found = evaluate_clusters(filled, threshold=2.0)
    measured = cluster_faces(filled, threshold=2.0, preview=True).measured
    assert measured is not None and measured.mixed > 0.3
    assert (measured.faces, measured.mixed) == (len(names), 1 - found.bcubed.precision)
    assert measured.scattered == 1 - found.bcubed.recall
    assert cluster_faces(filled, new_only=True).measured is None


@pytest.fixture
def named(filled: Library, album: Album) -> Library:
    """Every face has the name of who was drawn there."""
    names = true_names(filled, album)
    for name in set(names.values()):
        filled.people.name_faces([face for face, true in names.items() if true == name], name)
    return filled


STEPS: dict[str, Callable[[Library], Any]] = {
    "cluster": cluster_faces,
    "preview": lambda library: cluster_faces(library, preview=True),
    "new only": lambda library: cluster_faces(library, new_only=True),
    "evaluate": evaluate_clusters,
    "map": lambda library: map_faces(library, projector="pca"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_reads_nothing_twice(named: Library, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A preview clusters with the names and, to measure itself, without them: on one graph."""
    reads: Counter[str] = Counter()

    def counted(owner: Any, name: str) -> None:
        read = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            reads[name] += 1
            return read(*args, **kwargs)

        monkeypatch.setattr(owner, name, counting)

    for owner, name in ((neighbour_cache, "_read"), (Faces, "vectors"), (Gallery, "names"), (Gallery, "ruled_out"),
                        (Clusters, "numbers"), (Clusters, "current"), (PairConstraints, "all")):  # fmt: skip
        counted(owner, name)
    report = STEPS[step](named)
    assert reads["_read"] == reads["vectors"] == 1
    assert max(reads.values()) == 1
    assert step != "preview" or report.measured is not None


def test_the_map_places_every_face(filled: Library) -> None:
    report = map_faces(filled, projector="pca")
    points = filled.maps.points("pca")
    assert report.faces == len(points.face_ids) == filled.counts().faces
    assert np.isfinite(points.x).all()


@pytest.mark.slow
def test_new_faces_are_placed_on_the_map_and_the_others_stay(filled: Library, album: Album) -> None:
    later = sorted(album.folder.glob("*.jpg"))[::8]
    filled.erasing.photos(filled.photos.at([str(path) for path in later]).values())
    map_faces(filled)
    before = _places(filled)
    import_photos(filled, later)
    report = map_faces(filled, new_only=True)
    after = _places(filled)
    assert {face: after[face] for face in before} == before
    assert report.faces == len(after) == filled.counts().faces > len(before)
    names = true_names(filled, album)
    new = [face for face in after if face not in before and face in names]
    right = [names.get(_nearest(after[face], before)) == names[face] for face in new]
    assert np.mean(right) >= 0.9


def _places(library: Library) -> dict[int, tuple[float, float]]:
    points = library.maps.points("umap")
    return {int(face): (float(x), float(y)) for face, x, y in zip(points.face_ids, points.x, points.y, strict=True)}


def _nearest(place: tuple[float, float], others: dict[int, tuple[float, float]]) -> int:
    return min(others, key=lambda face: (others[face][0] - place[0]) ** 2 + (others[face][1] - place[1]) ** 2)


@pytest.mark.slow
def test_a_sketch_is_there_while_the_first_map_is_drawn(empty: Library, album: Album) -> None:
    import_photos(empty, sorted(album.folder.glob("*.jpg"))[:6])
    seen: list[int] = []
    map_faces(empty, progress=lambda done, total, message="": seen.append(len(empty.maps.points("pca").x)))
    assert seen == [0, empty.counts().faces, empty.counts().faces]


def test_steps_without_photos_or_faces_say_what_to_do(empty: Library, tmp_path: Path) -> None:
    with pytest.raises(NoPhotos, match="import"):
        cluster_faces(empty)
    from PIL import Image

    Image.new("RGB", (300, 200), (90, 120, 200)).save(tmp_path / "sky.png")
    import_photos(empty, [tmp_path / "sky.png"])
    with pytest.raises(NoFaces, match="people"):
        map_faces(empty)
    with pytest.raises(NoModel, match="train"):
        load_recogniser(empty)


def test_an_unknown_clusterer_is_refused(filled: Library) -> None:
    with pytest.raises(UnknownChoice):
        cluster_faces(filled, algorithm="magic")


@pytest.mark.slow
def test_an_import_job_groups_and_maps_by_itself(empty: Library, album: Album) -> None:
    some = [str(album.folder / name) for name in sorted(album.photos)[:3]]
    empty.jobs.submit("import", {"paths": some})
    done = jobs.run_pending(empty)
    assert [(job.kind, job.state) for job in done] == [
        ("import", JobState.DONE), ("cluster", JobState.DONE), ("map", JobState.DONE),
    ]  # fmt: skip
    assert done[0].result["imported"] == 3
    assert empty.counts().mapped == empty.counts().faces


def test_a_job_that_cannot_work_fails_with_its_sentence(empty: Library) -> None:
    empty.jobs.submit("cluster", {})
    (job,) = jobs.run_pending(empty)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert "import" in job.error


def test_a_cancelled_job_stops(filled: Library) -> None:
    job = filled.jobs.submit("cluster", {})
    filled.jobs.cancel(job.id)
    assert jobs.run_pending(filled) == []
    assert filled.jobs.get(job.id).state == JobState.CANCELLED
