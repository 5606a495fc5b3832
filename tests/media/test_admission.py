"""faceid_core.media.admission: so many megapixels at once, the others wait, and not for ever."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from faceid_core.errors import ImageTooLarge, TooBusy, UnreadableImage
from faceid_core.media import images
from faceid_core.media.admission import LEAST, MOST, Admission, default_megapixels
from tests.bench.load import tiff_bomb, webp_bomb


def test_never_more_than_the_limit_is_inside() -> None:
    gate, inside, most, lock = Admission(100), [0.0], [0.0], threading.Lock()

    def decode(megapixels: float) -> None:
        with gate.hold(megapixels):
            with lock:
                inside[0] += megapixels
                most[0] = max(most[0], inside[0])
            time.sleep(0.002)
            with lock:
                inside[0] -= megapixels

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(decode, [12, 50, 24, 100, 3] * 8))
    assert 50 < most[0] <= 100 and inside[0] == 0


def test_a_picture_beyond_the_limit_has_the_gate_to_itself() -> None:
    gate = Admission(10, patience_s=0.05)
    with gate.hold(500), pytest.raises(TooBusy), gate.hold(1):
        pass
    with gate.hold(1):
        pass


@pytest.mark.parametrize("overtaken_s", [0.0, 60.0])
def test_small_pictures_pass_a_large_one_for_a_while(overtaken_s: float) -> None:
    gate, inside = Admission(10, patience_s=30, overtaken_s=overtaken_s), threading.Event()

    def wait(megapixels: float) -> None:
        with gate.hold(megapixels):
            inside.set()

    with gate.hold(8):
        large = threading.Thread(target=wait, args=(9,))
        large.start()
        while not gate._queue:
            time.sleep(0.001)
        small = threading.Thread(target=wait, args=(1,))
        small.start()
        assert inside.wait(0.2 if not overtaken_s else 20) is (overtaken_s > 0)
    large.join()
    small.join()


def test_a_large_picture_is_not_overtaken_for_ever() -> None:
    gate, order = Admission(10, overtaken_s=0), []
    first = gate.hold(10)
    first.__enter__()

    def wait(name: str, megapixels: float) -> None:
        with gate.hold(megapixels):
            order.append(name)

    threads = []
    for name, megapixels in (("large", 10.0), ("small", 1.0)):
        threads.append(threading.Thread(target=wait, args=(name, megapixels)))
        threads[-1].start()
        time.sleep(0.05)
    first.__exit__(None, None, None)
    for thread in threads:
        thread.join()
    assert order == ["large", "small"]


def test_who_comes_too_late_or_finds_too_many_is_told_when_to_come_back() -> None:
    gate = Admission(10, patience_s=0.05, waiting=1)
    with gate.hold(10):
        with pytest.raises(TooBusy) as refused, gate.hold(1):
            pass
        assert refused.value.retry_after_s >= 0
        waiting = threading.Thread(target=refused_in_time, args=(gate,))
        waiting.start()
        time.sleep(0.01)
        with pytest.raises(TooBusy), gate.hold(1):
            pass
        waiting.join()
    with gate.hold(10):
        pass


def refused_in_time(gate: Admission) -> None:
    with pytest.raises(TooBusy), gate.hold(1):
        pass


def test_the_default_follows_the_memory() -> None:
    assert LEAST <= default_megapixels() <= MOST


def test_the_header_tells_the_size_and_one_beyond_the_limit_is_refused() -> None:
    import numpy as np

    picture = images.encode_jpeg(np.full((300, 500, 3), 90, np.uint8))
    assert images.declared_megapixels(picture) == pytest.approx(0.15)
    with pytest.raises(ImageTooLarge):
        images.declared_megapixels(picture, max_megapixels=0.1)


@pytest.mark.parametrize("bomb", [tiff_bomb, webp_bomb])
def test_a_bomb_is_refused_by_its_header_before_it_waits(bomb: Callable[[], bytes]) -> None:
    with pytest.raises(UnreadableImage, match=r"bytes can't hold a photo of the 149 megapixels it declares"):
        images.declared_megapixels(bomb())
    assert images.declared_megapixels(bomb() + bytes(150_000)) == pytest.approx(148.84)


def test_the_emptiest_photo_is_no_bomb() -> None:
    stream = io.BytesIO()
    Image.new("L", (6000, 4000), 255).save(stream, "JPEG", quality=5, optimize=True, progressive=True)
    assert images.declared_megapixels(stream.getvalue()) == 24
