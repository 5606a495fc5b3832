"""The embedder in bfloat16: near the exact one, always the same, and left alone where it would be no gain."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faceid_core.engine import bfloat16, measured
from faceid_core.engine.bfloat16 import Half
from faceid_core.settings import Settings
from faceid_core.vision.dlib_resnet import DlibResNet, Exact
from faceid_core.vision.embedding import make_embedder
from tests.faces import SETTINGS, Faces

EXACT = SETTINGS.model_copy(update={"precision": "exact"})

WHAT_COMPUTES = """
import sys
from pathlib import Path
from faceid_core.vision.embedding import make_embedder
from faceid_core.settings import Settings
print(make_embedder(Settings(library=Path(sys.argv[1]))).computes)
print(sorted({"openvino", "openvino_telemetry", "onnxruntime"} & sys.modules.keys()))
"""


@pytest.fixture(autouse=True)
def fresh_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "_networks", {})


@pytest.fixture
def in_half() -> Half:
    network = bfloat16.network("resnet", SETTINGS)
    if network is None:
        pytest.skip("this processor gains nothing by bfloat16, or openvino is missing")
    return network


@pytest.fixture
def crops(in_half: Half, request: pytest.FixtureRequest) -> np.ndarray:
    """Drawn only where something is computed with them."""
    faces: Faces = request.getfixturevalue("drawn_faces")
    return faces.crops


def in_a_process(**environment: str) -> list[str]:
    """What computes the embedder in a process of its own, and which libraries that loads."""
    path = os.pathsep.join([environment.pop("PYTHONPATH", ""), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", WHAT_COMPUTES, str(SETTINGS.library)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("mirror", [False, True])
def test_vectors_lie_near_the_exact_ones(mirror: bool, in_half: Half, crops: np.ndarray) -> None:
    """Two people are about 0.55 apart."""
    near, exact = (make_embedder(each.model_copy(update={"mirror": mirror})) for each in (SETTINGS, EXACT))
    assert (near.computes, exact.computes) == (Half.computes, Exact.computes)
    assert (near.name, near.default_threshold) == (exact.name, exact.default_threshold)
    apart = np.linalg.norm(near.embed(crops) - exact.embed(crops), axis=1)
    assert 0 < apart.max() < 0.05


def test_the_same_face_has_the_same_vector(in_half: Half, crops: np.ndarray) -> None:
    together = in_half.run(crops)
    np.testing.assert_array_equal(in_half.run(crops), together)
    for size in (1, 3, 8):
        parts = [in_half.run(crops[at : at + size]) for at in range(0, len(crops), size)]
        np.testing.assert_array_equal(np.concatenate(parts), together)
    one_core = bfloat16.network("resnet", SETTINGS, threads=1)
    assert one_core is not None
    np.testing.assert_array_equal(one_core.run(crops), together)


def test_crops_and_earlier_vectors_stay_as_they_are(in_half: Half, crops: np.ndarray) -> None:
    given = crops[:4].copy()
    first = in_half.run(given)
    kept = first.copy()
    in_half.run(crops[4:8])
    np.testing.assert_array_equal(given, crops[:4])
    np.testing.assert_array_equal(first, kept)


def test_many_threads_get_their_own_vectors(in_half: Half, crops: np.ndarray) -> None:
    expected = in_half.run(crops)
    places = [slice(start, start + 1 + start % 5) for start in range(len(crops))] * 3
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: in_half.run(crops[place]), places))
    for place, vectors in zip(places, found, strict=True):
        np.testing.assert_array_equal(vectors, expected[place])


def test_a_network_is_compiled_once(in_half: Half) -> None:
    assert bfloat16.network("resnet", SETTINGS) is in_half
    assert bfloat16.network("resnet", SETTINGS, threads=1) is not in_half


def test_a_damaged_graph_is_made_again(
    in_half: Half, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(library=tmp_path / "library", engine_cache=tmp_path / "cache")
    assert bfloat16.network("resnet", settings) is not None
    (file,) = (tmp_path / "cache").glob("*.onnx")
    good = file.read_bytes()
    file.write_bytes(good[: len(good) // 2])
    monkeypatch.setattr(bfloat16, "_networks", {})
    assert bfloat16.network("resnet", settings) is not None
    assert file.read_bytes() == good
    assert "is damaged and is made again" in caplog.text


@pytest.mark.slow
def test_a_worker_needs_no_second_network(in_half: Half) -> None:
    in_a_process()  # the first measures, if none did
    assert in_a_process() == [Half.computes, "['openvino']"]


@pytest.mark.slow
def test_nothing_is_reported_where_the_package_for_it_is_installed(in_half: Half, tmp_path: Path) -> None:
    """openvino tells of its import through this package, which plain pip installs with it."""
    (tmp_path / "openvino_telemetry.py").write_text("raise SystemExit('reported')\n")
    assert in_a_process(PYTHONPATH=str(tmp_path)) == [Half.computes, "['openvino']"]


@pytest.mark.parametrize(
    "change",
    [{"precision": "exact"}, {"providers": ["AzureExecutionProvider", "CPUExecutionProvider"]}],
    ids=["exact", "other hardware"],
)
def test_settings_that_ask_for_floats_get_them(change: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "load_openvino", None)
    assert bfloat16.network("resnet", SETTINGS.model_copy(update=change)) is None


def test_without_openvino_floats_are_computed(crops: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "_networks", {})
    monkeypatch.setitem(sys.modules, "openvino", None)
    embedder = make_embedder(SETTINGS)
    assert embedder.computes == Exact.computes
    np.testing.assert_array_equal(embedder.embed(crops[:2]), make_embedder(EXACT).embed(crops[:2]))


def test_where_linux_tells_of_no_instructions_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t\t: fpu avx512f avx512_vnni amx_tile\n")
    monkeypatch.setattr(bfloat16, "CPUINFO", cpuinfo)
    monkeypatch.setattr(bfloat16, "load_openvino", None)
    monkeypatch.setattr(measured, "is_faster", None)
    assert bfloat16.network("resnet", SETTINGS) is None


@pytest.mark.slow
@pytest.mark.parametrize("most", ["AVX512_CORE", "AVX2"])
def test_held_to_other_instructions_floats_are_computed(most: str, in_half: Half) -> None:
    """OpenVINO says BF16 all the same; with the first it computes bfloat16 in twice the time of floats, with the
    other not at all."""
    assert in_a_process(ONEDNN_MAX_CPU_ISA=most)[0] == Exact.computes


def test_a_damaged_openvino_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text("raise ImportError('libopenvino.so:\\n no such file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(bfloat16, "CPUINFO", tmp_path / "none")
    embedders = [DlibResNet(SETTINGS) for _ in range(2)]
    assert [embedder.computes for embedder in embedders] == [Exact.computes] * 2
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "embedded in float32 (libopenvino.so: no such file)" in record.getMessage()
