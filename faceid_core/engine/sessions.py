"""ONNX Runtime sessions. Graphs are written once to the user's cache and loaded once per process."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import platformdirs

from faceid_core.engine import centerface, dlib_format, graphs, quantised
from faceid_core.engine.weights import weights_path
from faceid_core.errors import EngineError
from faceid_core.settings import Settings, usable_cores

if TYPE_CHECKING:
    import onnx
    import onnxruntime

log = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")

NETWORKS: dict[str, tuple[str, Callable[[Path], onnx.ModelProto]]] = {
    "resnet": ("resnet", lambda path: graphs.embedder_graph(dlib_format.resnet_weights(path))),
    "mmod": ("mmod", lambda path: graphs.detector_graph(dlib_format.mmod_weights(path))),
    "centerface": ("centerface", centerface.centerface_graph),
    "mmod-int8": ("mmod", lambda path: quantised.proposal_graph(dlib_format.mmod_weights(path))),
}
"""Name -> published weights (a key of weights.FILES) and their ONNX graph."""

CPU = "CPUExecutionProvider"

OPTIONS: dict[str, dict[str, str]] = {
    # By default, cuDNN benchmarks all its convolution algorithms for each new shape, and memory grows by doubling.
    "CUDAExecutionProvider": {
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "0",
    },
}
"""Provider options. use_tf32 is off, so that products keep all 24 bits and vectors match the CPU's."""

FATAL = 4
"""ONNX Runtime's log severity that silences everything but fatal errors."""

_reported: set[tuple[str, ...]] = set()
_lock = threading.Lock()
_sessions: dict[tuple[Any, ...], onnxruntime.InferenceSession] = {}


def session(
    name: str, settings: Settings, *, threads: int | None = None, only: tuple[int, ...] | None = None
) -> onnxruntime.InferenceSession:
    """Return the session of the network `name`, a key of NETWORKS; threads None means all cores.

    only: the single input shape used with this session. For GPUs: ONNX Runtime's CUDA provider prepares
    convolutions whenever the shape changes, which takes 1 to 2.5 s for CenterFace on an H100; then a run takes 3
    ms.

    Raises WeightsMissing, WeightsUnsupported.
    """
    key = (name, settings.engine_folder.resolve(), tuple(providers(settings)), threads, only)
    with _lock:
        if key not in _sessions:
            _sessions[key] = from_cache(name, settings, lambda model: load(model, settings, threads=threads))
        return _sessions[key]


def load(model: bytes, settings: Settings, *, threads: int | None = None) -> onnxruntime.InferenceSession:
    """Create a session of a serialised ONNX model, with the settings' providers that work here."""
    chosen = providers(settings)
    report_idle(settings)
    return _session(model, chosen, threads or usable_cores())


def _session(model: bytes, chosen: Sequence[str], threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # ONNX Runtime's default counts all cores of the machine, even if this process may use only some of them.
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model, options, providers=[(name, OPTIONS.get(name, {})) for name in chosen]
    )


def providers(settings: Settings) -> list[str]:
    """Return the settings' providers that work here, best first; the CPU if none does."""
    if settings.providers == [CPU]:
        return [CPU]
    return list(_started(tuple(settings.providers)))


def on_cpu(settings: Settings) -> bool:
    """Whether the face networks run only on the CPU, even if the settings ask for other hardware."""
    return providers(settings) == [CPU]


@cache
def _started(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Try the providers with a one-node network: ONNX Runtime refuses unknown ones and skips those without
    drivers."""
    import onnxruntime

    there = [name for name in wanted if name in onnxruntime.get_available_providers()]
    if not there:
        return (CPU,)
    onnxruntime.set_default_logger_severity(FATAL)  # otherwise, it would log missing drivers itself
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            if (
                "CUDAExecutionProvider" in there
            ):  # from packages such as nvidia-cudnn-cu13, where these are installed
                onnxruntime.preload_dlls()
            found = _session(_nothing(), there, 1).get_providers()
    except Exception as error:  # of many kinds, by provider
        log.info("%s: %s", ", ".join(there), error)
        return (CPU,)
    return tuple(name for name in there if name in found) or (CPU,)


def _nothing() -> bytes:
    """Return an identity network."""
    from onnx import TensorProto, helper

    one, other = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("in", "out"))
    graph = helper.make_graph([helper.make_node("Identity", ["in"], ["out"])], "nothing", [one], [other])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", graphs.OPSET)], ir_version=8)
    return bytes(model.SerializeToString())


def report_idle(settings: Settings) -> None:
    """Log once which of the settings' providers don't work here. Not in pool workers: their parent logs it."""
    started = providers(settings)
    idle = tuple(name for name in settings.providers if name not in started)
    if idle and idle not in _reported and multiprocessing.parent_process() is None:
        _reported.add(idle)
        log.warning(
            "%s of FACEID_PROVIDERS can't be used here, so faces are searched on %s; `faceid doctor` says more.",
            ", ".join(idle),
            "the CPU" if started == [CPU] else ", ".join(started),
        )


def active(settings: Settings) -> list[str]:
    """Return the providers that run the face networks, best first: ONNX Runtime skips one that fails to start and
    falls back to the CPU. Raises like `session`."""
    return list(session("resnet", settings).get_providers())


def from_cache(name: str, settings: Settings, read: Callable[[bytes], Loaded]) -> Loaded:
    """Load the graph of the network `name`, a key of NETWORKS, with `read`. The graph comes from a cache folder,
    and is built if missing or damaged. Raises WeightsMissing, WeightsUnsupported, and like `read`."""
    source = weights_path(NETWORKS[name][0])
    file = f"{name}-{_sha256(source)[:16]}-v{graphs.VERSION}.onnx"
    for cached in (folder / file for folder in cache_folders(settings)):
        try:
            return read(cached.read_bytes())
        except OSError:  # missing, or not readable for us
            continue
        except EngineError:
            raise
        except Exception as error:  # the engines raise many kinds for a damaged file
            log.warning("The cached network %s is damaged and is made again (%s).", cached.name, error)
    model = NETWORKS[name][1](source).SerializeToString()
    keep(model, file, settings)
    return read(model)


def cache_folders(settings: Settings) -> list[Path]:
    """Return the folders for converted networks: the library's own, and the one shared by all libraries."""
    return [settings.engine_folder, settings.engine_cache or platformdirs.user_cache_path("faceid") / "engine"]


def keep(content: bytes, file: str, settings: Settings) -> None:
    """Write a graph, or other cached data, to the shared cache; but to the library's engine folder if that exists,
    or if the shared one is not writable, as for a service without a home folder."""
    own, shared = cache_folders(settings)
    reason: str | None = None
    for folder in (own,) if own.exists() else (shared, own):
        try:
            _write_atomically(folder / file, content)
        except OSError as error:  # a full disk or a read-only library; it is only a cache
            reason = error.strerror
        else:
            return
    log.warning("%s can't be kept for the next start (%s).", file, reason)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_atomically(path: Path, content: bytes) -> None:
    """Several processes may do this at once: each writes its own file, the last rename wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)
