"""Reading videos: the right pictures at the right time, upright, within bounds, or one plain reason."""

from __future__ import annotations

import doctest
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faceid_core import frame_path
from faceid_core.errors import ImageTooLarge, IsVideo, UnreadableImage
from faceid_core.media import formats, images, video
from tests import videos

KINDS = {
    "key.mp4": ("libx264", {"g": 5}),
    "long.mp4": ("libx264", {"g": 250, "bf": 3}),
    "a.mkv": ("libx264", {"g": 8, "bf": 2}),
    "a.mov": ("mpeg4", {"g": 12}),
    "a.avi": ("mpeg4", {"g": 12}),
    "a.mts": ("mpeg2video", {"g": 10}),
    "a.mpg": ("mpeg2video", {"g": 10}),
    "a.webm": ("libvpx", {"g": 30}),
    "intra.avi": ("mjpeg", {}),
    "a.gif": ("gif", {}),
}


def drawn(folder: Path, kind: str, seconds: float = 4.0) -> Path:
    codec, options = KINDS[kind]
    return videos.write(folder / kind, videos.greys(seconds), codec, **options)


def plain(path: Path) -> list[tuple[float, np.ndarray]]:
    """Every picture with its seconds, decoded one after the other: what the reader must agree with."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        shown = [(frame.pts, frame) for frame in container.decode(stream) if frame.pts is not None]
        base, start = float(stream.time_base or 1), stream.start_time or 0
        return [((pts - start) * base, frame.to_ndarray(format="rgb24")) for pts, frame in shown]


def looked_at(path: Path, every: float, start: float = 0.0) -> list[video.Frame]:
    with video.opened(path) as clip:
        return list(clip.frames(every, start))


def test_examples() -> None:
    assert doctest.testmod(frame_path).failed == doctest.testmod(video).failed == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [0.05, 0.5, 1.0, 1.3, 30.0])
def test_the_first_picture_of_each_interval_is_given(kind: str, every: float, tmp_path: Path) -> None:
    path = drawn(tmp_path, kind)
    everything, expected, due = plain(path), [], 0.0
    for seconds, pixels in everything:
        if seconds >= due - 0.0005:
            expected.append((seconds, pixels))
            due = every * (np.floor((seconds + 0.0005) / every) + 1)
    found = looked_at(path, every)
    assert [frame.seconds for frame in found] == pytest.approx([seconds for seconds, _ in expected], abs=1e-6)
    assert len(found) == max(round(4 / every), 1) or every in (0.05, 1.3)
    for frame, (_, pixels) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(frame.pixels, pixels)


@pytest.mark.parametrize("kind", KINDS)
def test_a_moment_is_that_very_picture(kind: str, tmp_path: Path) -> None:
    path = drawn(tmp_path, kind)
    for frame in looked_at(path, 0.7):
        photo = images.read(frame_path.moment(path, frame.seconds))
        np.testing.assert_array_equal(photo.pixels, frame.pixels)
        assert (photo.height, photo.width) == frame.pixels.shape[:2]


@pytest.mark.parametrize("kind", KINDS)
def test_looking_further_goes_on_where_it_stopped(kind: str, tmp_path: Path) -> None:
    path = drawn(tmp_path, kind)
    whole = [frame.seconds for frame in looked_at(path, 0.5)]
    assert len(whole) >= 7
    for place in (3, 5):
        rest = looked_at(path, 0.5, video.following(whole[place - 1], 0.5))
        assert [frame.seconds for frame in rest] == pytest.approx(whole[place:])


def test_pictures_that_no_wanted_one_needs_stay_coded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[object] = []
    real = video.Clip._decode

    def counting(clip: video.Clip, packet: Any) -> Any:
        counted.append(packet)
        return real(clip, packet)

    monkeypatch.setattr(video.Clip, "_decode", counting)
    path = videos.write(tmp_path / "a.mp4", videos.greys(8), g=10, bf=0, sc_threshold=0)
    assert len(looked_at(path, 2.0)) == 4
    assert len(counted) < 40


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_display_matrix_turns_the_picture(orientation: int, tmp_path: Path) -> None:
    """The matrix of ISO/IEC 14496-12 (16.16 numbers a b u c d v x y w) is written into the track's header."""
    matrix = {
        1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
        5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0),
    }[orientation]  # fmt: skip
    stored = np.full((64, 96, 3), 30, np.uint8)
    stored[:32, :48] = 220  # bright at the top left, half bright at the top right
    stored[:32, 48:] = 120
    path = videos.write(tmp_path / "a.mp4", [stored] * 3)
    a, b, c, d = (value * 65536 for value in matrix)
    numbers = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
    data = path.read_bytes()
    at = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    path.write_bytes(data[:at] + numbers + data[at + 36 :])
    (frame,) = looked_at(path, 1.0)

    def corner(x: int, y: int) -> int:
        """Where the matrix shows a stored corner, (0 or 1, 0 or 1)."""
        right, down = matrix[0] * x + matrix[2] * y, matrix[1] * x + matrix[3] * y
        height, width = frame.pixels.shape[:2]
        return int(
            frame.pixels[height // 4 if down < 0 else -height // 4, width // 4 if right < 0 else -width // 4, 0]
        )

    assert frame.pixels.shape == ((96, 64, 3) if orientation >= 5 else (64, 96, 3))
    assert corner(-1, -1) == pytest.approx(220, abs=12)
    assert corner(1, -1) == pytest.approx(120, abs=12)
    assert corner(1, 1) == pytest.approx(30, abs=12)


def test_the_recording_time_is_local_and_each_picture_has_its_own(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", videos.greys(3), created="2021-05-01T12:30:00.000000Z")
    local = datetime(2021, 5, 1, 12, 30, 2, tzinfo=UTC).astimezone().replace(tzinfo=None)
    assert images.read(f"{path}#t=2").taken_at == local
    unset = videos.write(tmp_path / "b.mp4", videos.greys(1), created="1970-01-01T00:00:00.000000Z")
    assert images.read(f"{unset}#t=0").taken_at is None


def test_non_square_pixels_are_made_square(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "a.mp4", videos.greys(1), x264opts="sar=2/1")
    assert looked_at(path, 1.0)[0].pixels.shape == (48, 128, 3)


def test_a_file_of_that_name_comes_before_the_moment(tmp_path: Path) -> None:
    path = drawn(tmp_path, "key.mp4")
    named = tmp_path / "key.mp4#t=1"
    named.write_bytes(images.encode_jpeg(np.full((20, 30, 3), 200, np.uint8)))
    assert images.read(named).pixels.shape == (20, 30, 3)
    assert frame_path.file_of(named) == named
    assert frame_path.file_of(f"{path}#t=2") == path


def test_a_moment_that_is_not_there(tmp_path: Path) -> None:
    path = drawn(tmp_path, "key.mp4")
    with pytest.raises(UnreadableImage, match="ends before"):
        images.read(f"{path}#t=99")
    with pytest.raises(UnreadableImage, match="no longer there"):
        images.read(f"{tmp_path / 'gone.mp4'}#t=1")


def reason(path: Path) -> str:
    with pytest.raises(UnreadableImage) as caught:
        looked_at(path, 1.0)
    assert re.fullmatch(r"[a-z][^\n]{5,150}", str(caught.value))
    return str(caught.value)


def test_what_is_no_video_has_one_plain_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.touch()
    assert reason(path) == formats.EMPTY
    for garbage in (b"Dear diary", bytes(5000), np.random.default_rng(1).bytes(100_000)):
        path.write_bytes(garbage)
        assert reason(path) == formats.DAMAGED
    assert reason(videos.sound(tmp_path / "a.m4a")) == video.NO_PICTURE
    assert reason(tmp_path / "gone.mp4") == "the file is no longer there"


def test_playlists_which_name_other_files_are_not_followed(tmp_path: Path) -> None:
    segment = drawn(tmp_path, "a.mts")
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{segment}\n#EXT-X-ENDLIST\n")
    assert reason(playlist) == formats.DAMAGED
    playlist.write_text(f"ffconcat version 1.0\nfile {segment.name}\n")
    assert reason(playlist) == formats.DAMAGED


@pytest.mark.parametrize("kind", ["a.mkv", "a.avi", "a.mts", "a.webm", "a.gif"])
def test_a_truncated_video_gives_what_it_has(kind: str, tmp_path: Path) -> None:
    path = drawn(tmp_path, kind)
    whole = looked_at(path, 0.5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    some = looked_at(path, 0.5)
    assert 0 < len(some) < len(whole)
    assert [frame.seconds for frame in some] == pytest.approx([frame.seconds for frame in whole[: len(some)]])


def test_an_mp4_without_its_index_has_a_reason(tmp_path: Path) -> None:
    path = drawn(tmp_path, "key.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert reason(path) == formats.DAMAGED


@pytest.mark.parametrize("kind", ["key.mp4", "a.mkv"])
def test_larger_pictures_than_allowed_are_refused_before_decoding(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drawn(tmp_path, kind)
    monkeypatch.setattr(video.Clip, "_decode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ImageTooLarge, match="the video declares"), video.opened(path, max_megapixels=0.003) as clip:
        list(clip.frames(1.0))


@pytest.mark.parametrize("kind", ["a.gif", "a.avi", "intra.avi", "a.webm", "a.mts"])
def test_larger_pictures_than_allowed_are_never_decoded(kind: str, tmp_path: Path) -> None:
    path = drawn(tmp_path, kind)
    with pytest.raises(UnreadableImage, match="megapixels"), video.opened(path, max_megapixels=0.003) as clip:
        list(clip.frames(1.0))


def test_a_video_that_grows_on_its_way_is_not_decoded_beyond_the_limit(tmp_path: Path) -> None:
    """MPEG-TS lets the size change: first 64 x 48, then 640 x 480."""
    small = drawn(tmp_path, "a.mts")
    large = videos.write(tmp_path / "b.mts", videos.greys(2, side=480), "mpeg2video")
    small.write_bytes(small.read_bytes() + large.read_bytes())
    with video.opened(small, max_megapixels=0.1) as clip:
        assert {frame.pixels.shape for frame in clip.frames(0.5)} == {(48, 64, 3)}


def test_only_animations_and_videos_are_videos(tmp_path: Path) -> None:
    still = tmp_path / "still.gif"
    still.write_bytes(videos.write(tmp_path / "one.gif", videos.greys(0.1), "gif").read_bytes())
    photo = tmp_path / "photo.mp4"
    photo.write_bytes(images.encode_jpeg(np.zeros((20, 30, 3), np.uint8)))
    hidden = drawn(tmp_path, "key.mp4").rename(tmp_path / "hidden.jpg")
    text = tmp_path / "text.txt"
    text.write_text("Dear diary")
    assert [images.is_video(path) for path in (still, photo, hidden, text)] == [False, False, True, False]
    assert images.is_video(drawn(tmp_path, "a.gif")) and images.is_video(drawn(tmp_path, "a.mpg"))
    assert images.read(photo).pixels.shape == (20, 30, 3)
    with pytest.raises(IsVideo, match="--video"):
        images.read(hidden)


@pytest.mark.slow
def test_real_clips_give_a_picture_a_second(shared_data: Path) -> None:
    found = looked_at(shared_data / "clips" / "short_hamilton_clip.mp4", 1.0)
    assert len(found) == 10
    assert all(0.9 < later.seconds - one.seconds < 1.1 for one, later in pairwise(found))
    turned = looked_at(shared_data / "formats" / "misc" / "quicktime-hvc1.mov", 1.0)
    assert turned[0].pixels.shape == (1280, 720, 3)
