from __future__ import annotations

import numpy as np
import pytest

from faceid_core.library import Library
from faceid_core.steps import recognise
from webapp import warm_up


class Counting:
    """A recogniser that counts what its networks did."""

    def __init__(self) -> None:
        self.embedder, self.done = type("Embedder", (), {"size_px": 112}), list[tuple[int, ...]]()

    def find(self, image: np.ndarray) -> None:
        self.done.append(image.shape)

    def embed(self, crops: np.ndarray) -> None:
        self.done.append(crops.shape)


def test_the_networks_run_once_where_there_is_a_recogniser(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not warm_up.warm_up(library)
    library.models.add("dlib-resnet+mirror", ["Ada", "Bo"], {}, 0.6, {}, "gone")
    assert not warm_up.warm_up(library)  # its files are not there: whoever asks is told
    found = Counting()
    monkeypatch.setattr(recognise, "load_recogniser", lambda _: found)
    assert warm_up.warm_up(library)
    assert found.done == [warm_up.FRAME.shape, (1, 112, 112, 3)]
    timer = warm_up.warm_up_soon(library, after_s=0)
    timer.join(10)
    assert timer.daemon and len(found.done) == 4
