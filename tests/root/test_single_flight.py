"""Threads that ask at once wait for one load."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceid_core.importing import photo
from faceid_core.recognition.recogniser import Recogniser
from faceid_core.settings import Settings
from faceid_core.single_flight import single_flight
from faceid_core.steps import load_vectors, recognise
from faceid_core.vision.detector import OneAtATime
from tests.library.conftest import EMBEDDER, open_empty

THREADS = 6


def at_once(ask: Callable[[], Any]) -> list[Any]:
    """The answers of threads that all ask in the same moment."""
    ready = threading.Barrier(THREADS)

    def wait_and_ask(_: int) -> Any:
        ready.wait()
        return ask()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait_and_ask, range(THREADS)))


class Loaded:
    """A recogniser, a detector or an embedder, as far as loading one goes."""

    name = "loaded"

    def at(self, threshold: float) -> Loaded:
        return self


def slow_loader(loads: list[Any]) -> Callable[..., Any]:
    def load(*args: Any, **_: Any) -> Any:
        loads.append(args)
        time.sleep(0.1)
        return Loaded()

    return load


def test_the_recogniser_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Any] = []
    monkeypatch.setattr(Recogniser, "load", slow_loader(loads))
    with open_empty(tmp_path) as library:
        library.models.add(EMBEDDER, [], {}, 0.5, {}, "one")
        assert len(set(at_once(lambda: recognise.load_recogniser(library)))) == 1
        assert len(loads) == 1
        library.models.add(EMBEDDER, [], {}, 0.5, {}, "two")
        assert len(set(at_once(lambda: recognise.load_recogniser(library)))) == 1
    assert [folder.name for (folder,) in loads] == ["one", "two"]


def test_the_embedder_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Any] = []
    monkeypatch.setattr(load_vectors, "make_embedder", slow_loader(loads))
    assert len(set(at_once(lambda: load_vectors.load_embedder(Settings(library=tmp_path))))) == 1
    assert len(loads) == 1


def test_recognising_uses_the_networks_that_other_parts_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detectors, embedders = list[Any](), list[Any]()
    monkeypatch.setattr(load_vectors, "make_detector", slow_loader(detectors))
    monkeypatch.setattr(load_vectors, "make_embedder", slow_loader(embedders))

    def load(_folder: Path, *, settings: Settings, detector: Any, embedder: Any) -> Any:
        assert detector is load_vectors.load_detector(settings)
        assert embedder(settings) is load_vectors.load_embedder(settings)
        return Loaded()

    monkeypatch.setattr(Recogniser, "load", load)
    with open_empty(tmp_path) as library:
        library.models.add(EMBEDDER, [], {}, 0.5, {}, "one")
        recognise.load_recogniser(library)
    assert len(detectors) == len(embedders) == 1


def test_a_shared_detector_searches_one_picture_at_a_time() -> None:
    class Alone:
        name, at_work = "alone", 0

        def detect(self, image: Any) -> list[Any]:
            self.at_work += 1
            time.sleep(0.02)
            assert self.at_work == 1
            self.at_work -= 1
            return []

        def landmarks(self, image: Any, box: Any) -> Any:
            return self.detect(image)

    shared = OneAtATime(Alone())
    assert shared.name == "alone"
    assert at_once(lambda: str(shared.detect(np.zeros((2, 2, 3), np.uint8)))) == ["[]"] * THREADS


def test_a_server_warms_up_what_can_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Known(Loaded):
        def recognise(self, image: Any) -> list[Any]:
            asked.append("recognise")
            return []

        def embed(self, crops: Any) -> Any:
            asked.append("embed")

    with open_empty(tmp_path) as library:
        recognise.warm_up(library)  # no recogniser: nothing happens
        monkeypatch.setattr(recognise, "load_recogniser", lambda _: Known())
        recognise.warm_up(library)
    assert asked == ["recognise", "embed"]


def test_the_networks_of_an_import_are_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detectors: list[Any] = []
    embedders: list[Any] = []
    monkeypatch.setattr(photo, "make_detector", slow_loader(detectors))
    monkeypatch.setattr(photo, "make_embedder", slow_loader(embedders))
    settings = Settings(library=tmp_path).model_dump_json()
    assert len(set(at_once(lambda: photo.networks(settings, None)))) == 1
    assert (len(detectors), len(embedders)) == (1, 1)


def test_a_load_that_fails_is_tried_again() -> None:
    tries: list[int] = []

    @single_flight(maxsize=1)
    def load(number: int) -> int:
        tries.append(number)
        if len(tries) == 1:
            raise OSError("not yet")
        return number

    with pytest.raises(OSError, match="not yet"):
        load(3)
    assert (load(3), load(3), tries) == (3, 3, [3, 3])
