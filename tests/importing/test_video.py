"""Importing videos, with the real networks on drawn people."""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from faceid_core import frame_path
from faceid_core.errors import JobCancelled
from faceid_core.executors.in_process import InProcess
from faceid_core.executors.process_pool import ProcessPool
from faceid_core.importing import run, storing, video, work, worker
from faceid_core.importing.photo import find_faces
from faceid_core.importing.report import ImportReport
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.media.formats import VIDEO
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.steps import jobs
from faceid_core.values import Image, NewFace
from faceid_core.vision import tracking
from faceid_core.vision.detector import Detector
from faceid_core.vision.embedder import Embedder
from tests import videos
from tests.faces import SETTINGS
from tests.media.test_video import KINDS
from tests.root import test_fuzz

ANSWERS: dict[tuple[object, ...], tuple[NewFace, ...]] = {}
Stored = dict[str, list[tuple[float, ...]]]


@pytest.fixture(scope="module")
def clip(album: Album, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people for four seconds; do not change it."""
    path = tmp_path_factory.mktemp("clip") / "party.mp4"
    return videos.write(path, videos.two_people(album), g=10, created="2024-05-01T10:00:00.000000Z")


@pytest.fixture
def mine(clip: Path, tmp_path: Path) -> Path:
    """A copy in a folder of its own."""
    (tmp_path / "films").mkdir()
    return Path(shutil.copy(clip, tmp_path / "films" / "party.mp4"))


@pytest.fixture(autouse=True)
def each_picture_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests here use the same networks, mostly on the same pictures. What they answered is remembered."""

    def remembered(pixels: Image, detector: Detector, embedder: Embedder) -> tuple[NewFace, ...]:
        key = (detector.name, embedder.name, pixels.shape, hashlib.sha256(pixels.tobytes()).digest())
        if key not in ANSWERS:
            ANSWERS[key] = find_faces(pixels, detector, embedder)
        return ANSWERS[key]

    monkeypatch.setattr(video, "find_faces", remembered)


def watch(library: Library, *paths: Path, every: float = 0.5, **options: object) -> ImportReport:
    return import_photos(library, paths, video_seconds=every, executor=InProcess(), **options)  # type: ignore[arg-type]


def stored(library: Library) -> Stored:
    """Path -> boxes of its faces from left to right, rounded."""
    return {
        photo.path: sorted(
            tuple(round(v) for v in face.box.as_tuple()) for face in library.faces.of_photo(photo.id)
        )
        for photo in library.photos.page(limit=1000)
    }


@pytest.mark.slow
def test_each_person_of_a_video_is_kept_once_or_as_they_look_differently(empty: Library, mine: Path) -> None:
    report = watch(empty, mine.parent)
    assert (report.photos, report.imported, report.failed) == (1, 1, 0)
    assert (report.frames, report.faces) == (empty.counts().photos, empty.counts().faces)
    assert 2 <= report.faces <= 6  # 8 pictures with 2 faces each were seen
    for photo in empty.photos.page():
        assert frame_path.split(photo.path)[0] == str(mine)
        assert (photo.width, photo.height) == (480, 240)
        assert photo.faces > 0 and photo.taken_at is not None
    lefts = [face.box.left for p in empty.photos.page() for face in empty.faces.of_photo(p.id)]
    assert min(lefts) < 100
    assert max(lefts) > 150
    assert empty.problems() == []


@pytest.mark.slow
def test_kept_faces_of_one_person_on_one_track_differ_clearly(empty: Library, mine: Path) -> None:
    watch(empty, mine, every=0.2)
    found = empty.faces.vectors("dlib-resnet+mirror")
    apart = np.linalg.norm(found.vectors[:, None] - found.vectors, axis=2)[np.triu_indices(len(found.ids), 1)]
    assert (
        apart.min() >= tracking.SAME_SIGHTING_SHARE * 0.55 * 0.9
    )  # a better picture of a look may lie a little nearer


@pytest.mark.slow
def test_importing_again_reads_nothing(empty: Library, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(empty, mine.parent)
    before = stored(empty)
    monkeypatch.setattr(storing, "look_at", lambda *_, **__: pytest.fail("read"))
    report = watch(empty, mine.parent)
    assert (report.photos, report.unchanged, report.imported) == (1, 1, 0)
    assert stored(empty) == before


def test_a_video_without_a_face_is_remembered_by_its_first_picture(empty: Library, tmp_path: Path) -> None:
    path = videos.write(tmp_path / "empty.mp4", videos.greys(2))
    assert watch(empty, path).imported == 1
    assert stored(empty) == {f"{path}#t=0": []}
    assert watch(empty, path).unchanged == 1


@pytest.mark.slow
def test_videos_are_left_alone_unless_wanted(empty: Library, mine: Path, album: Album) -> None:
    shutil.copy(album.folder / next(iter(album.photos)), mine.parent)
    assert import_photos(empty, [mine.parent]).photos == 1
    report = import_photos(empty, [mine])
    assert (report.failed, report.failures[0].reason) == (1, VIDEO)
    report = watch(empty, mine.parent)
    assert (report.imported, report.unchanged) == (1, 1)
    assert empty.counts().failed == 0  # the failure of before is gone
    assert empty.problems() == []


@pytest.mark.slow
def test_an_animation_is_a_video_only_when_wanted(empty: Library, album: Album, tmp_path: Path) -> None:
    path = videos.write(tmp_path / "party.gif", videos.two_people(album, 2.0), "gif")
    import_photos(empty, [tmp_path])
    assert list(stored(empty)) == [str(path)]
    assert watch(empty, tmp_path, again=True).failed == 0
    assert any(frame_path.split(path)[1] is not None for path in stored(empty))


@pytest.mark.slow
def test_a_turned_video_is_stored_upright(empty: Library, album: Album, tmp_path: Path) -> None:
    head = videos.faces(album)[0]
    lying = np.ascontiguousarray(np.rot90(videos.scene([(head, 20)], (240, 240))))
    path = videos.write(tmp_path / "a.mp4", [lying] * 5)
    data = path.read_bytes()
    at = data.index(b"tkhd") + 44
    matrix = np.array([0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()  # a quarter turn clockwise
    path.write_bytes(data[:at] + matrix + data[at + 36 :])
    watch(empty, path)
    ((left, top, right, bottom),) = next(iter(stored(empty).values()))
    assert 20 <= left < right <= 190 and 40 <= top < bottom <= 210


@pytest.mark.slow
def test_piece_by_piece_or_whole_makes_no_difference(
    empty: Library, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(empty, mine)
    monkeypatch.setattr(video, "PIECE_S", 0.0)
    messages: list[str] = []
    with Library.open(Settings(library=tmp_path / "other")) as other:
        report = watch(other, mine, progress=lambda done, total, message="": messages.append(message))
        assert stored(other) == stored(empty)
        assert (report.imported, report.faces) == (1, other.counts().faces)
    assert "party.mp4 at 0:02" in messages


@pytest.mark.slow
def test_an_interrupted_import_goes_on_to_the_same_end(
    empty: Library, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "PIECE_S", 0.0)
    monkeypatch.setattr(tracking, "LOST_S", 0.4)  # tracks end soon, so that pictures are stored before the end
    monkeypatch.setattr(storing, "BATCH_PHOTOS", 1)
    blinking = [p if (at // 10) % 2 else np.full_like(p, 128) for at, p in enumerate(videos.plain_pictures(mine))]
    path = videos.write(mine.with_name("blink.mp4"), blinking, g=10)

    def stop(done: int, total: int, message: str = "") -> None:
        if empty.counts().photos:
            raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        watch(empty, path, progress=stop)
    with Library.open(Settings(library=tmp_path / "other")) as other:
        watch(other, path)
        assert 0 < empty.counts().photos < other.counts().photos
        report = watch(empty, path)
        assert stored(empty) == stored(other)
    assert report.imported == 1
    assert (empty.problems(), watch(empty, path).unchanged) == ([], 1)


@pytest.mark.slow
def test_searching_again_keeps_names_and_drops_what_is_no_longer_kept(empty: Library, mine: Path) -> None:
    watch(empty, mine, every=0.2)
    empty.people.name_faces([1], "Ada")
    named = empty.photos.get(empty.faces.get(1).photo_id).path
    report = watch(empty, mine, every=1.0, again=True)
    assert (report.photos, report.renewed + report.imported) == (1, 1)
    paths = stored(empty)
    assert named in paths
    assert all(path == named or (frame_path.split(path)[1] or 0) % 1 < 0.05 for path in paths)
    assert empty.faces.get(1).person == "Ada"
    assert empty.problems() == []


def test_a_copy_elsewhere_is_a_duplicate(empty: Library, mine: Path, tmp_path: Path) -> None:
    watch(empty, mine)
    before = stored(empty)
    copy = shutil.copy(mine, tmp_path / "copy.mp4")
    report = watch(empty, Path(copy))
    assert (report.duplicates, report.imported, stored(empty)) == (1, 0, before)
    assert watch(empty, Path(copy)).unchanged == 1


def test_another_video_in_its_place_replaces_the_pictures(empty: Library, mine: Path) -> None:
    watch(empty, mine)
    videos.write(mine, videos.greys(2))
    watch(empty, mine)
    assert stored(empty) == {f"{mine}#t=0": []}
    assert empty.problems() == []


@pytest.mark.slow
def test_all_pictures_of_a_video_are_found_by_its_path(empty: Library, mine: Path) -> None:
    watch(empty, mine, every=0.4)
    assert sorted(empty.photos.frames(str(mine))) == sorted(photo.id for photo in empty.photos.page())
    empty.erasing.photos(empty.photos.frames(str(mine)))
    assert (empty.counts().photos, empty.counts().faces) == (0, 0)
    assert watch(empty, mine).imported == 1


@pytest.mark.slow
def test_broken_videos_have_one_reason_each_and_the_rest_goes_on(
    empty: Library, mine: Path, tmp_path: Path
) -> None:
    folder = mine.parent
    (folder / "empty.mp4").touch()
    (folder / "text.mov").write_text("Dear diary")
    (folder / "cut.mp4").write_bytes(mine.read_bytes()[:5000])
    videos.sound(tmp_path / "a.m4a").rename(folder / "sound.mp4")
    report = import_photos(empty, [folder], video_seconds=1.0, executor=ProcessPool(2, limit_s=20))
    assert (report.photos, report.imported, report.failed) == (5, 1, 4)
    assert {Path(failure.path).stem for failure in report.failures} == {"empty", "text", "cut", "sound"}
    assert all(re.fullmatch(r"[a-z][^\n]{5,150}", failure.reason) for failure in report.failures)


@pytest.mark.slow
def test_a_job_carries_the_option(empty: Library, mine: Path) -> None:
    empty.settings.max_photo_seconds = 120
    empty.jobs.submit("import", {"paths": [str(mine.parent)], "video_seconds": 1.0})
    done = jobs.run_next(empty)
    assert done is not None and done.state == "done", done
    assert done.result["frames"] > 0


def hang(file: object, **_: object) -> None:
    time.sleep(60)


@pytest.mark.slow
def test_a_video_that_hangs_ends_with_a_reason(empty: Library, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "look_at", hang)
    empty.settings.max_photo_seconds = 1
    report = import_photos(empty, [mine], video_seconds=1.0)
    assert "longer than 1 seconds" in report.failures[0].reason


def ending(data: bytes, path: Path, case: str) -> str:
    path.write_bytes(data)
    begun = time.monotonic()
    settings = Settings(library=SETTINGS.library, max_megapixels=1, video_seconds=0.5)
    outcome = worker.look_at(run.stat(path), settings=settings, threads=1)
    assert time.monotonic() - begun < test_fuzz.LIMIT_S, case
    if isinstance(outcome, work.Piece):
        assert outcome.photos or outcome.rest, case
        return "read"
    assert outcome.error is None or re.fullmatch(r"[a-z][^\n]{5,150}", outcome.error), f"{case}: {outcome.error}"
    return "refused"


def attack(kind: str, folder: Path, seeds: range, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How each mutation ended. Faces are not searched: what is attacked is the reading."""
    monkeypatch.setattr(video, "find_faces", lambda *_: ())
    codec, options = KINDS[kind]
    original = videos.write(folder / kind, videos.greys(2), codec, **options).read_bytes()
    outcomes = {"read": 0, "refused": 0}
    for seed in seeds:
        data, rng = bytearray(original), np.random.default_rng(seed)
        test_fuzz.CHANGES[seed % len(test_fuzz.CHANGES)](data, rng)
        if data and seed % 3 == 0:
            test_fuzz.CHANGES[int(rng.integers(0, len(test_fuzz.CHANGES)))](data, rng)
        outcomes[ending(bytes(data), folder / f"mutated{Path(kind).suffix}", f"{kind} {seed}")] += 1
    return outcomes


ATTACKED = ("key.mp4", "a.mkv", "a.avi", "a.mts", "a.gif")


@pytest.mark.parametrize("kind", ATTACKED)
def test_mutated_videos_end_as_pictures_or_reason(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = attack(kind, tmp_path, range(14), monkeypatch)
    assert outcomes["read"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ATTACKED)
def test_many_mutated_videos_end_as_pictures_or_reason(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = attack(kind, tmp_path, range(1000, 1100), monkeypatch)
    assert outcomes["read"] > 0, outcomes


@pytest.mark.slow
def test_real_clips_keep_few_of_the_faces_seen(empty: Library, shared_data: Path) -> None:
    known = set(ANSWERS)
    report = watch(empty, shared_data / "clips", every=0.25)
    assert (report.photos, report.imported) == (4, 4)
    kept = {Path(frame_path.split(photo.path)[0]).name: 0 for photo in empty.photos.page(limit=1000)}
    for photo in empty.photos.page(limit=1000):
        kept[Path(frame_path.split(photo.path)[0]).name] += photo.faces
    assert kept["head-pose-face-detection-male.gif"] == 1  # of 21 seen
    seen = sum(len(faces) for key, faces in ANSWERS.items() if key not in known)
    assert 30 < sum(kept.values()) < seen / 2
    assert empty.problems() == []
