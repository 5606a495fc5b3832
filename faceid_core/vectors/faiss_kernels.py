"""Loads faiss with the fastest kernels for the processor."""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
CORETYPE = "OPENBLAS_CORETYPE"

KERNELS = (
    ("SkylakeX", {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"}),
    ("Haswell", {"avx2", "fma"}),
)
"""OpenBLAS's names for its kernels, best first, and the instructions that they need."""

_lock = threading.Lock()


def faiss() -> Any:
    """Return the module. Its bundled OpenBLAS (0.3.15) treats processors newer than itself like ones from 2004, and
    then takes 2.7 times as long to compare 100,000 faces. So this selects the kernels, unless the environment
    already does."""
    with _lock:
        if "faiss" in sys.modules or CORETYPE in os.environ or (kernels := best_kernels()) is None:
            return import_module("faiss")
        os.environ[CORETYPE] = kernels
        try:
            return import_module("faiss")  # OpenBLAS reads it once, when it is loaded
        finally:
            del os.environ[CORETYPE]


def best_kernels() -> str | None:
    """Return the best of KERNELS that this processor supports; None if Linux does not report its instructions."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return None
    flags = next((set(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), set())
    return next((name for name, needed in KERNELS if needed <= flags), None)
