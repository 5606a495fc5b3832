"""Whether this processor gains by bfloat16: measured once, then kept for the user with what it depends on."""

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
"""How many times as fast as floats bfloat16 must be: less isn't worth a second library in memory."""

APART = 0.003
"""The root mean square difference of a number in the vectors that rounding explains: 0.0024 at most on LFW."""

CROPS, ROUNDS = 4, 5
"""Crops a run, and runs of each, in turn, after one of each that doesn't count: together a fifth of a second."""

STARTS = 3
"""So many times a processor that seems to gain nothing is measured, and the best counts: a machine is not always as
busy as at the first start."""

THREADS = 1
"""Of both while they are measured. With more, a run waits for the thread that others disturb most, and one with a
busy core of two took bfloat16 for as slow as floats (1.00 times as fast instead of 1.82)."""

FLAGS = ("amx_bf16", "avx512_bf16")
"""What Linux, in /proc/cpuinfo, calls the instructions for bfloat16."""

LIMIT = "ONEDNN_MAX_CPU_ISA"
"""The variable that holds oneDNN, which OpenVINO computes with, to less than the processor has."""

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
    """Whether the network `name` is GAIN times as fast in bfloat16, with the same vectors. half makes what runs it
    so on THREADS, exact runs it in floats, by default by ONNX Runtime: called only where it is not known yet."""
    key, kept = _key(name, cpuinfo), _kept(settings)
    found = kept.get(key)
    if found is None or not _settled(found):
        found = _better(measure(half(), exact or _in_floats(name, settings), clock or thread_clock()), found)
        log.info("bfloat16 of %s: %s", key, found)
        sessions.keep(json.dumps({**kept, key: found}, indent=1).encode(), FILE, settings)
    return _taken(found)


def is_known_slower(name: str, settings: Settings, cpuinfo: Path) -> bool:
    """Whether nothing is left to measure and bfloat16 was no gain: then OpenVINO need not be loaded."""
    found = _kept(settings).get(_key(name, cpuinfo))
    return found is not None and _settled(found) and not _taken(found)


def measure(half: Run, exact: Run, clock: Callable[[], float]) -> dict[str, float]:
    """gain: how many times as fast as `exact` `half` is, by the fastest run of each, which other programs disturb
    least; apart: the root mean square difference of a number in their vectors."""
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
    """CPU time of this thread, in which both compute on one: other programs, and other threads of this one, don't
    count. With two such on each core the gain stayed within 4 % of an idle machine's. Elapsed time where the
    system counts CPU time in steps as long as a run (Windows: 16 ms)."""
    fine = time.get_clock_info("thread_time").resolution < 1e-4
    return time.thread_time if fine else time.perf_counter


def _better(found: dict[str, float], before: dict[str, float] | None) -> dict[str, float]:
    """The better gain of both, with the number of starts that measured it."""
    gain = max(found["gain"], before["gain"] if before else 0.0)
    return {**found, "gain": gain, "starts": (before["starts"] if before else 0) + 1}


def processor(cpuinfo: Path) -> str:
    """What tells it from others, with what computes on it. Not its name alone: in virtual machines all processors
    of a maker may have the same."""
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
    """Not sessions.session: nobody needs this one afterwards."""
    network = sessions.from_cache(name, settings, lambda model: sessions.load(model, settings, threads=THREADS))
    source = network.get_inputs()[0].name
    return lambda crops: np.asarray(network.run(None, {source: crops})[0], np.float32)


def _kept(settings: Settings) -> dict[str, Any]:
    """What was measured before; {} where nothing is kept, or what is can't be read."""
    for folder in sessions.cache_folders(settings):
        try:
            kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
            return {key: found for key, found in kept.items() if {"gain", "apart", "starts"} <= found.keys()}
        except (OSError, ValueError, AttributeError):
            continue
    return {}
