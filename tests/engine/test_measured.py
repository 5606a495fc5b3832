"""Whether bfloat16 is worth it: decided by timing, once for a processor and its libraries."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from faceid_core.engine import measured
from faceid_core.settings import Settings

CORE = (
    "processor\t: {}\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC 9755\nflags\t\t: fpu avx512_bf16\n\n"
)
ZEN = CORE.format(0) + CORE.format(1)


class Clock:
    """Time that passes only while a network runs."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Network:
    """Takes so many seconds a run; the first run, which prepares itself, ten times as long."""

    def __init__(self, clock: Clock, seconds: float, away: float = 0.0) -> None:
        self._clock, self._seconds, self._away, self.runs = clock, seconds, away, 0

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        self._clock.now += self._seconds * (1 if self.runs else 10)
        self.runs += 1
        return np.full((len(crops), 128), 0.1 + self._away, np.float32)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(library=tmp_path / "library", engine_cache=tmp_path / "cache")


@pytest.fixture
def cpuinfo(tmp_path: Path) -> Path:
    file = tmp_path / "cpuinfo"
    file.write_text(ZEN)
    return file


def decide(settings: Settings, cpuinfo: Path, seconds: float, away: float = 0.0) -> tuple[bool, int]:
    """Whether it is taken, beside floats that take a second; and how often it ran for that."""
    clock = Clock()
    half, exact = Network(clock, seconds, away), Network(clock, 1.0)
    return measured.is_faster("resnet", lambda: half, settings, cpuinfo, exact=exact, clock=clock), half.runs


@pytest.mark.parametrize(("seconds", "away", "taken"), [
    (0.5, 0.0, True), (0.9, 0.002, True), (0.95, 0.0, False), (1.6, 0.0, False), (0.5, 0.01, False),
    (0.5, float("nan"), False),
])  # fmt: skip
def test_what_is_clearly_faster_and_the_same_is_taken(
    settings: Settings, cpuinfo: Path, seconds: float, away: float, taken: bool
) -> None:
    assert decide(settings, cpuinfo, seconds, away)[0] is taken


def test_a_processor_is_measured_once(settings: Settings, cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert decide(settings, cpuinfo, 0.5) == (True, 1 + measured.ROUNDS)
    assert decide(settings, cpuinfo, 2.0) == (True, 0)  # as kept, whatever it would be now
    text = (settings.engine_cache / measured.FILE).read_text()  # type: ignore[operator]
    assert "AMD EPYC 9755" in text
    assert "onnxruntime 1." in text
    cpuinfo.write_text(ZEN.replace("9755", "9965"))
    assert decide(settings, cpuinfo, 2.0) == (False, 1 + measured.ROUNDS)
    cpuinfo.write_text(ZEN)
    assert decide(settings, cpuinfo, 2.0) == (True, 0)
    monkeypatch.setattr(measured, "version", lambda package: "99.0")  # another version computes otherwise
    assert decide(settings, cpuinfo, 2.0) == (False, 1 + measured.ROUNDS)


def test_processors_of_one_name_are_told_apart(cpuinfo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual machines call all of a maker the same; oneDNN may be held to less than the processor has."""
    zen5 = measured.processor(cpuinfo)
    assert zen5.startswith("AMD EPYC 9755, cpu family 26, model 2, avx512_bf16, onnxruntime 1.")
    others = {zen5}
    for old, new in (("26", "25"), ("model\t\t: 2", "model\t\t: 17"), (" avx512_bf16", "")):
        cpuinfo.write_text(ZEN.replace(old, new))
        others.add(measured.processor(cpuinfo))
    cpuinfo.write_text(ZEN)
    monkeypatch.setenv(measured.LIMIT, "AVX2")
    assert len(others | {measured.processor(cpuinfo)}) == 5


def test_a_busy_machine_does_not_decide_for_ever(settings: Settings, cpuinfo: Path) -> None:
    """Slow as floats at the first start, as other programs ran beside it; the next start finds the gain."""
    assert decide(settings, cpuinfo, 1.0) == (False, 1 + measured.ROUNDS)
    assert not measured.is_known_slower("resnet", settings, cpuinfo)
    assert decide(settings, cpuinfo, 0.5) == (True, 1 + measured.ROUNDS)
    assert decide(settings, cpuinfo, 2.0) == (True, 0)


def test_no_gain_is_believed_after_some_starts(settings: Settings, cpuinfo: Path) -> None:
    runs = [decide(settings, cpuinfo, 1.0)[1] for _ in range(measured.STARTS + 1)]
    assert runs == [1 + measured.ROUNDS] * measured.STARTS + [0]
    assert measured.is_known_slower("resnet", settings, cpuinfo)
    assert decide(settings, cpuinfo, 0.5) == (False, 0)


def test_what_other_threads_compute_does_not_count(settings: Settings) -> None:
    clock = measured.thread_clock()
    if clock is not time.thread_time:
        pytest.skip("this system counts a thread's time too coarsely")
    started = clock()
    helper = threading.Thread(target=lambda: sum(range(2_000_000)))
    helper.start()
    helper.join()
    assert clock() - started < 0.01


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"resnet on it": 3}', '{"KEY": {"gain": 2}}', '{"KEY": {"gain": 1.0, "apart": 0.0008}}'],
)
def test_what_can_t_be_read_is_measured_again(settings: Settings, cpuinfo: Path, content: str) -> None:
    file = settings.engine_cache / measured.FILE  # type: ignore[operator]
    file.parent.mkdir()
    file.write_text(content.replace("KEY", measured._key("resnet", cpuinfo)))
    assert decide(settings, cpuinfo, 0.5) == (True, 1 + measured.ROUNDS)
    assert decide(settings, cpuinfo, 0.5)[1] == 0


def test_real_networks_are_timed(engine_settings: Settings, cpuinfo: Path, tmp_path: Path) -> None:
    """The network in floats beside itself: no difference."""
    run = measured._in_floats("resnet", engine_settings)
    found = measured.measure(run, run, measured.thread_clock())
    assert found["apart"] == 0
    assert found["gain"] > 0
