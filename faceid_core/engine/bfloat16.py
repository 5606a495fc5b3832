"""The embedder in bfloat16, by OpenVINO, on processors that multiply such numbers in tiles (Intel's AMX).

bfloat16 keeps 8 of a float's 24 significant bits. On 3,047 faces of LFW that moves a vector by 0.010 (median; 0.027
at most), where two people are about 0.55 apart and the draft of a JPEG moves one by 0.014: so both are one space,
and a library may hold vectors of either kind.
"""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceid_core.engine import sessions
from faceid_core.errors import FaceIdError
from faceid_core.settings import Settings, usable_cores
from faceid_core.values import Image, Vectors

if TYPE_CHECKING:
    import openvino

log = logging.getLogger(__name__)

CPUINFO = Path("/proc/cpuinfo")
TILES = "amx_bf16"
"""What Linux, in CPUINFO, and OpenVINO, in the names of its kernels, call multiplying bfloat16 in tiles."""

REPORTING = "openvino.tools.ovc"
"""OpenVINO's model converters: importing them reports to Intel where openvino-telemetry is installed."""

_lock = threading.Lock()
_networks: dict[tuple[Any, ...], Half | None] = {}


class Half:
    """A compiled network. Several threads may call it; they take turns, as in OpenVINO's one stream they would."""

    computes = "in bfloat16 by OpenVINO"

    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()

    def run(self, batch: Image) -> Vectors:
        """What the network makes of a batch (N, …), N from 1."""
        # Not compiled(batch): that lends OpenVINO the caller's memory, and later runs write to it.
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


def compiled(model: openvino.Model, threads: int | None) -> Half | None:
    """The model in bfloat16, or None where that is no gain."""
    options = {
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": threads or usable_cores(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # two workers would be pinned to the same cores
    }
    made = load_openvino().compile_model(model, "CPU", options)
    kernels = [str(node.get_rt_info()["primitiveType"].astype(str)) for node in made.get_runtime_model().get_ops()]
    # AVX-512 knows bfloat16, too, but without tiles that is slower than floats: 150 faces/s where they give 235.
    return Half(made) if any(TILES in kernel for kernel in kernels) else None


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
    if not _may_have_tiles():
        return None
    try:
        core = load_openvino().Core()
        if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            return None
        return compiled(sessions.from_cache(name, settings, core.read_model), threads)
    except ModuleNotFoundError:  # it is required only on the systems that may have tiles
        return None
    except FaceIdError:
        raise
    except Exception as error:  # RuntimeError for nearly all, but also what a damaged installation raises
        reason = " ".join(str(error).split())
        log.warning("OpenVINO does not run here, so faces are embedded in float32 (%s).", reason)
        return None


def _may_have_tiles() -> bool:
    """Linux tells it without loading OpenVINO, which most processors would load for nothing."""
    try:
        return TILES in CPUINFO.read_text()
    except OSError:
        return True
