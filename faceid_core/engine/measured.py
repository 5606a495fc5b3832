"""Whether this processor gains by bfloat16: measured once, then kept for the user with what it depends on."""

from __future__ import annotations

import json
import logging
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
"""Crops a run, and runs of each, in turn, after one of each that doesn't count: together about a second."""

LIBRARIES = ("onnxruntime", "openvino", "numpy")

Run = Callable[[Image], Vectors]


def is_faster(
    name: str,
    half: Run,
    settings: Settings,
    threads: int | None,
    cpuinfo: Path,
    *,
    exact: Run | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> bool:
    """Whether the network `name` is GAIN times as fast in bfloat16, with the same vectors. half, exact: run it in
    bfloat16 and, by default by ONNX Runtime, in floats, on so many threads. It is measured where nothing is kept of
    this processor."""
    key, kept = f"{name} on {processor(cpuinfo)}", _kept(settings)
    if key not in kept:
        kept[key] = measure(half, exact or _in_floats(name, settings, threads), clock)
        log.info("bfloat16 of %s: %s", key, kept[key])
        sessions.keep(json.dumps(kept, indent=1).encode(), FILE, settings)
    found = kept[key]
    return bool(found["gain"] >= GAIN and found["apart"] <= APART)


def measure(half: Run, exact: Run, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
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


def processor(cpuinfo: Path) -> str:
    """Its name, with the versions of what computes on it."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return ", ".join([names[0] if names else platform.processor() or platform.machine(), *map(_version, LIBRARIES)])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def _in_floats(name: str, settings: Settings, threads: int | None) -> Run:
    network = sessions.session(name, settings, threads=threads)
    source = network.get_inputs()[0].name
    return lambda crops: np.asarray(network.run(None, {source: crops})[0], np.float32)


def _kept(settings: Settings) -> dict[str, Any]:
    """What was measured before; {} where nothing is kept, or what is can't be read."""
    for folder in sessions.cache_folders(settings):
        try:
            kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
            return {key: found for key, found in kept.items() if {"gain", "apart"} <= found.keys()}
        except (OSError, ValueError, AttributeError):
            continue
    return {}
