"""Measures whether bfloat16 is faster on this processor, and caches the result with what it depends on."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from faceid_core.engine import sessions
from faceid_core.engine.graphs import CROP_PX
from faceid_core.settings import Settings
from faceid_core.values import Image, Vectors

log = logging.getLogger(__name__)

FILE = "bfloat16.json"
"""In the cache of converted networks: key -> what was measured."""

GAIN = 1.1
"""Minimum speed-up over floats: less is not worth a second library in memory."""

APART = 0.003
"""Largest RMS difference between vector elements that rounding explains: at most 0.0024 on LFW."""

CROPS, ROUNDS = 4, 5
"""Crops per run, and alternating runs of each, after a warm-up run of each: a fifth of a second in total."""

STARTS = 3
"""How often a processor without a speed-up is measured, and the best result counts: the machine may have been busy
at the first start."""

THREADS = 1
"""Threads of both during the measurement. With more, each run waits for the most disturbed thread: with one of two
cores busy, bfloat16 seemed as slow as floats (1.00 times as fast instead of 1.82)."""

FLAGS = ("amx_bf16", "avx512_bf16")
"""The CPU flags for bfloat16 in Linux's /proc/cpuinfo."""

LIMIT = "ONEDNN_MAX_CPU_ISA"
"""The variable that restricts oneDNN, OpenVINO's backend, to fewer instructions than the processor has."""

LIBRARIES = ("onnxruntime", "openvino", "numpy")

Run = Callable[[Image], Vectors]


def is_faster(
    name: str,
    half: Callable[[], Run],
    settings: Settings,
    cpuinfo: Path,
    *,
    exact: Run | None = None,
    clock: Callable[[], float] | None = None,
) -> bool:
    """Whether the network `name` is GAIN times as fast in bfloat16, with the same vectors. half: creates the
    bfloat16 network on THREADS; exact: runs it in floats, by default with ONNX Runtime. Called only if not known
    yet."""
    key, kept = _key(name, cpuinfo), _kept(settings)
    found = kept.get(key)
    if found is None or not _settled(found):
        found = _better(measure(half(), exact or _in_floats(name, settings), clock or thread_clock()), found)
        log.info("bfloat16 of %s: %s", key, found)
        sessions.keep(json.dumps({**kept, key: found}, indent=1).encode(), FILE, settings)
    return _taken(found)


def is_known_slower(name: str, settings: Settings, cpuinfo: Path) -> bool:
    """Whether the measurements are complete and bfloat16 was not faster, so that OpenVINO need not be loaded."""
    found = _kept(settings).get(_key(name, cpuinfo))
    return found is not None and _settled(found) and not _taken(found)


def measure(half: Run, exact: Run, clock: Callable[[], float]) -> dict[str, float]:
    """Return gain, the speed-up of `half` over `exact`, by the fastest (least disturbed) run of each; and apart,
    the RMS difference between the elements of their vectors."""
    crops = np.random.default_rng(0).integers(0, 256, (CROPS, CROP_PX, CROP_PX, 3), np.uint8)
    apart = float(np.sqrt(np.mean((half(crops) - exact(crops)) ** 2)))
    times = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for place, run in enumerate((half, exact)):
            started = clock()
            run(crops)
            times[place] = min(times[place], clock() - started)
    return {"gain": round(times[1] / max(times[0], 1e-9), 3), "apart": round(apart, 6)}


def _key(name: str, cpuinfo: Path) -> str:
    return f"{name} on {processor(cpuinfo)}"


def _taken(found: dict[str, float]) -> bool:
    return found["gain"] >= GAIN and found["apart"] <= APART


def _settled(found: dict[str, float]) -> bool:
    return found["gain"] >= GAIN or found["starts"] >= STARTS


def thread_clock() -> Callable[[], float]:
    """Return a clock of this thread's CPU time, which excludes other programs and threads. With two busy programs
    per core, the gain stayed within 4% of an idle machine's. Falls back to elapsed time if the system's CPU time
    is too coarse (Windows: 16 ms)."""
    fine = time.get_clock_info("thread_time").resolution < 1e-4
    return time.thread_time if fine else time.perf_counter


def _better(found: dict[str, float], before: dict[str, float] | None) -> dict[str, float]:
    """Return the better of two gains, with the number of starts that measured it."""
    gain = max(found["gain"], before["gain"] if before else 0.0)
    return {**found, "gain": gain, "starts": (before["starts"] if before else 0) + 1}


def processor(cpuinfo: Path) -> str:
    """Return an identifier of the processor and the libraries that compute on it. The name alone is not enough: in
    virtual machines, all processors of a vendor may have the same name."""
    lines = [line.partition(":") for line in cpuinfo.read_text().splitlines()] if cpuinfo.is_file() else []
    first = {key.strip(): value.strip() for key, _, value in reversed(lines)}
    parts = [first.get("model name") or platform.processor() or platform.machine()]
    parts += [f"{key} {first[key]}" for key in ("cpu family", "model", "stepping") if key in first]
    parts += [flag for flag in FLAGS if flag in first.get("flags", "").split()]
    parts += [f"held to {limit}" for limit in (os.environ.get(LIMIT),) if limit]
    return ", ".join([*parts, *map(_version, LIBRARIES)])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def _in_floats(name: str, settings: Settings) -> Run:
    """Create a temporary session in floats. Not sessions.session, which would cache it."""
    network = sessions.from_cache(name, settings, lambda model: sessions.load(model, settings, threads=THREADS))
    source = network.get_inputs()[0].name
    return lambda crops: np.asarray(network.run(None, {source: crops})[0], np.float32)


def _kept(settings: Settings) -> dict[str, Any]:
    """Return the cached measurements; {} if there are none or they can't be read."""
    for folder in sessions.cache_folders(settings):
        try:
            kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
            return {key: found for key, found in kept.items() if {"gain", "apart", "starts"} <= found.keys()}
        except (OSError, ValueError, AttributeError):
            continue
    return {}
