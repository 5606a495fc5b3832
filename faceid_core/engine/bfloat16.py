"""The embedder in bfloat16, with OpenVINO, on processors that support it and are faster with it.

Processors with tiles (Intel's AMX) are always faster. With AVX-512's BF16, some are (AMD's Zen 5: twice as fast)
and some are not (an Intel without tiles: 150 faces/s instead of 235 with floats). So it is measured once, see
engine.measured.

bfloat16 keeps 8 of a float's 24 significant bits. On 3,047 faces of LFW, that moves vectors by 0.010 (median; 0.027
at most), while different people are about 0.55 apart, and decoding a JPEG as a draft moves a vector by 0.014. So
both kinds of vectors are comparable, and a library may contain either.
"""

from __future__ import annotations

import logging
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceid_core.engine import measured, sessions
from faceid_core.errors import FaceIdError
from faceid_core.settings import Settings, usable_cores
from faceid_core.values import Image, Vectors

if TYPE_CHECKING:
    import openvino

log = logging.getLogger(__name__)

CPUINFO = Path("/proc/cpuinfo")
REPORTING = "openvino.tools.ovc"
"""OpenVINO's model converters: importing them reports to Intel where openvino-telemetry is installed."""

_lock = threading.Lock()
_networks: dict[tuple[Any, ...], Half | None] = {}


class Half:
    """A compiled network. Thread-safe: calls take turns, as they would in OpenVINO's single stream."""

    computes = "in bfloat16 by OpenVINO"

    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()

    def run(self, batch: Image) -> Vectors:
        """Run the network on a batch (N, …), N at least 1."""
        # Not compiled(batch): that shares the caller's memory with OpenVINO, and later runs would write to it.
        with self._turn:
            return np.asarray(self._request.infer([np.ascontiguousarray(batch)])[0], np.float32)


def network(name: str, settings: Settings, *, threads: int | None = None) -> Half | None:
    """The network `name`, a key of sessions.NETWORKS; threads None means all cores. None where the settings want it
    exact or on other hardware, and where it would not be faster than in floats.

    Raises WeightsMissing, WeightsUnsupported.
    """
    if settings.precision == "exact" or not sessions.on_cpu(settings):
        return None
    key = (name, settings.engine_folder.resolve(), threads)
    with _lock:
        if key not in _networks:
            _networks[key] = _attempt(name, settings, threads)
        return _networks[key]


def compiled(model: openvino.Model, threads: int | None) -> Half:
    """The model in bfloat16."""
    options = {
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": threads or usable_cores(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # two workers would be pinned to the same cores
    }
    made = load_openvino().compile_model(model, "CPU", options)
    return Half(made)


def load_openvino() -> Any:
    """OpenVINO without its converters of models, so that nothing is reported to anybody."""
    blocked: dict[str, Any] = sys.modules  # a module None is one that can't be imported
    blocked.setdefault(REPORTING, None)
    try:
        import openvino
    finally:
        if blocked.get(REPORTING) is None:
            blocked.pop(REPORTING, None)
    return openvino


def _attempt(name: str, settings: Settings, threads: int | None) -> Half | None:
    if not _may_have_instructions() or measured.is_known_slower(name, settings, CPUINFO):
        return None
    try:
        core = load_openvino().Core()
        if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            return None
        model = sessions.from_cache(name, settings, core.read_model)
        on_one = partial(compiled, model, measured.THREADS)
        faster = measured.is_faster(name, lambda: on_one().run, settings, CPUINFO)
        return compiled(model, threads) if faster else None
    except ModuleNotFoundError:  # it is required only on the systems that may gain by it
        return None
    except FaceIdError:
        raise
    except Exception as error:  # RuntimeError for nearly all, but also what a damaged installation raises
        reason = " ".join(str(error).split())
        log.warning("OpenVINO does not run here, so faces are embedded in float32 (%s).", reason)
        return None


def _may_have_instructions() -> bool:
    """Check /proc/cpuinfo first, because on most processors loading OpenVINO would be a waste of time."""
    try:
        content = CPUINFO.read_text()
        return any(flag in content for flag in measured.FLAGS)
    except OSError:
        return True
