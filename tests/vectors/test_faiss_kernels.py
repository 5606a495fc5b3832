"""faiss is told its processor, once, and nobody else is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faceid_core.vectors import faiss_kernels

NEW, OLD = "avx512f avx512dq avx512bw avx512vl avx512cd avx2 fma", "sse3 avx2 fma"

KERNELS = """
import os
from faceid_core.vectors import faiss_kernels as nearest
faiss = nearest.faiss()
assert nearest.faiss() is faiss
from threadpoolctl import threadpool_info
print(os.environ.get("OPENBLAS_CORETYPE"))
own = [each for each in threadpool_info() if "faiss" in each["filepath"]]
print([each["architecture"] for each in own if "architecture" in each])
"""


@pytest.mark.parametrize(
    ("flags", "kernels"), [(NEW, "SkylakeX"), (OLD, "Haswell"), ("sse3 avx", None), ("", None), (None, None)]
)
def test_the_best_kernels_that_the_processor_runs(
    flags: str | None, kernels: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    if flags is not None:
        file.write_text(f"processor\t: 0\nflags\t\t: fpu {flags} clflush\nbugs\t\t: spectre_v1\n")
    monkeypatch.setattr(faiss_kernels, "CPUINFO", file)
    assert faiss_kernels.best_kernels() == kernels


def in_a_process(**environment: str) -> list[str]:
    clean = {name: value for name, value in os.environ.items() if name != faiss_kernels.CORETYPE}
    path = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", KERNELS],
        env={**clean, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_faiss_takes_them_and_the_environment_stays_as_it_was() -> None:
    kernels = faiss_kernels.best_kernels()
    told, taken = in_a_process()
    assert told == "None"
    if kernels and taken != "[]":  # a build with another library than OpenBLAS has no such choice
        assert taken == f"['{kernels}']"


def test_what_somebody_else_told_it_stays() -> None:
    told, taken = in_a_process(OPENBLAS_CORETYPE="Haswell")
    assert told == "Haswell"
    if taken != "[]":
        assert taken == "['Haswell']"
