"""Grouping and mapping of the library, and the jobs that do it in the background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceid_core import evaluation, jobs, pipeline, projection
from faceid_core.errors import NoFaces, NoModel, NoPhotos, UnknownChoice
from faceid_core.importing import import_photos
from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.tables import JobState


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
    assert evaluation.pairwise(labels, truth).f >= 0.95


def test_grouping_again_leaves_names_alone(filled: Library) -> None:
    group = filled.clusters.page()[0]
    ids = [face.id for face in filled.faces.of_cluster(group.number)]
    filled.people.name_faces(ids, "Anna", actor="test")
    pipeline.cluster(filled, threshold=0.2)
    assert {face.person for face in filled.faces.get_many(ids)} == {"Anna"}


def test_the_map_places_every_face(filled: Library) -> None:
    report = pipeline.project(filled, projector="pca")
    points = filled.maps.points("pca")
    assert report.faces == len(points.face_ids) == filled.counts().faces
    assert np.isfinite(points.x).all()


def test_steps_without_photos_or_faces_say_what_to_do(empty: Library, tmp_path: Path) -> None:
    with pytest.raises(NoPhotos, match="import"):
        pipeline.cluster(empty)
    from PIL import Image

    Image.new("RGB", (300, 200), (90, 120, 200)).save(tmp_path / "sky.png")
    import_photos(empty, [tmp_path / "sky.png"])
    with pytest.raises(NoFaces, match="people"):
        pipeline.project(empty)
    with pytest.raises(NoModel, match="train"):
        pipeline.recogniser(empty)


def test_an_unknown_clusterer_is_refused(filled: Library) -> None:
    with pytest.raises(UnknownChoice):
        pipeline.cluster(filled, algorithm="magic")


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


def test_a_job_whose_worker_died_is_marked(empty: Library) -> None:
    empty.jobs.submit("map", {})
    claimed = empty.jobs.claim()
    assert claimed is not None
    assert empty.jobs.claim() is None
    assert empty.jobs.reap(-1) == 1
    assert empty.jobs.get(claimed.id).state == JobState.FAILED


def test_faces_that_come_later_join_and_nobody_moves(empty: Library, album: Album) -> None:
    paths = [album.folder / name for name in sorted(album.photos)]
    import_photos(empty, paths[:-4])
    pipeline.cluster(empty, only_new=True)
    pipeline.project(empty, projector="pca", only_new=True)
    ids = empty.faces.vectors("dlib-resnet+mirror").ids
    numbers, points = empty.clusters.numbers(ids), empty.maps.points("pca")
    run = empty.clusters.current()
    import_photos(empty, paths[-4:])
    report = pipeline.cluster(empty, only_new=True)
    assert pipeline.project(empty, projector="pca", only_new=True).faces == report.faces > len(ids)
    assert empty.clusters.numbers(ids).tolist() == numbers.tolist()
    after = empty.faces.vectors("dlib-resnet+mirror").ids
    assert (empty.clusters.numbers(after[~np.isin(after, ids)]) > 0).any()
    again = empty.clusters.current()
    assert run is not None and again is not None
    assert (again.id, again.faces) == (run.id, len(after))
    mapped = empty.maps.points("pca")
    assert len(mapped.face_ids) == len(after)
    np.testing.assert_array_equal(mapped.x[np.isin(mapped.face_ids, ids)], points.x)
    assert pipeline.cluster(empty, only_new=True).grouped == report.grouped
    assert not empty.problems()


def test_a_map_by_pca_is_there_before_the_first_one(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("faceid_core.neighbours.build", stopped)
    monkeypatch.setitem(projection.PROJECTORS, "other", projection.pca)
    with pytest.raises(KeyboardInterrupt):
        pipeline.project(filled, projector="other")
    assert len(filled.maps.points("pca").face_ids) == filled.counts().faces
