"""faceid_core.clustering.strictness: the slider's thresholds, and that they do what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from faceid_core.clustering import strictness
from faceid_core.clustering.clusterers import cluster, default_threshold

NAMES = ("density-linkage", "dlib-resnet+mirror")
USUAL = default_threshold(*NAMES)


def test_the_middle_is_the_default_and_stricter_is_nearer() -> None:
    thresholds = [strictness.stricter(USUAL, place) for place in (-2, -1, 0, 1, 2)]
    assert thresholds[2] == USUAL
    assert thresholds == sorted(thresholds, reverse=True)
    with pytest.raises(ValueError, match="strictness"):
        strictness.stricter(USUAL, 3)


def test_stricter_means_fewer_mixed_and_more_scattered_faces() -> None:
    steps = [strictness.expected(place) for place in np.linspace(-2, 2, 9)]
    assert [one.mixed for one in steps] == sorted((one.mixed for one in steps), reverse=True)
    assert [one.scattered for one in steps] == sorted(one.scattered for one in steps)


def test_stricter_groups_are_more() -> None:
    rng = np.random.default_rng(0)
    middles = rng.normal(scale=0.5 / np.sqrt(256), size=(30, 128))
    faces = np.repeat(middles, 6, axis=0) + rng.normal(scale=0.42 / np.sqrt(256), size=(180, 128))
    groups = [
        len(np.unique(cluster(NAMES[0], faces.astype(np.float32), threshold=strictness.stricter(USUAL, place))))
        for place in (-2, 2)
    ]
    assert groups[0] < groups[1]
