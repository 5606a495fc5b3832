"""faceid_core.vision.quality: what spoils recognition lowers the score, more of it lowers it more."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter

from faceid_core.values import Box, DetectedFace
from faceid_core.vision import quality

FRONTAL = np.array([[130, 100], [110, 100], [70, 100], [90, 100], [100, 131]], np.float32)


def portrait(side: int = 200) -> np.ndarray:
    """A drawn face: enough edges to be sharp, grey enough to be well exposed."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    grey = 130 + 45 * np.sin(columns * 9) * np.cos(rows * 7)
    for x, y, radius in ((0.4, 0.5, 0.05), (0.6, 0.5, 0.05), (0.5, 0.7, 0.03), (0.5, 0.82, 0.06)):
        grey[np.hypot(columns - x, rows - y) < radius] = 40
    grey += np.random.default_rng(0).normal(scale=6, size=grey.shape)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def blurred(image: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Pillow.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def scaled(image: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Pillow.fromarray(image).resize((side, side), Pillow.Resampling.BOX))


def face(landmarks: np.ndarray = FRONTAL, scale: float = 1.0) -> DetectedFace:
    return DetectedFace(Box(40, 50, 160, 170).scaled(scale), 1.0, (landmarks * scale).astype(np.float32))


def falls(values: list[float]) -> bool:
    return all(later < earlier for earlier, later in pairwise(values))


def test_a_good_face_is_good_in_every_part() -> None:
    good = quality.assess(portrait(), face())
    assert min(good.size, good.sharpness, good.pose, good.exposure) > 0.9
    assert 0.9 < good.score <= 1


def test_blur_lowers_sharpness_and_score() -> None:
    found = [quality.assess(blurred(portrait(), radius), face()) for radius in (0.5, 1, 1.7, 2.4)]
    assert falls([one.sharpness for one in found])
    assert falls([one.score for one in found])


@pytest.mark.parametrize("light", [(1.0, 0.5, 0.3, 0.15, 0.05), (1.0, 1.7, 2.2, 3.0)])
def test_too_little_and_too_much_light_lower_exposure(light: tuple[float, ...]) -> None:
    images = [np.clip(portrait() * factor, 0, 255).astype(np.uint8) for factor in light]
    found = [quality.assess(image, face()) for image in images]
    assert falls([one.exposure for one in found[1:]])
    assert found[0].exposure >= found[1].exposure
    assert falls([one.score for one in found[1:]])


def test_shrinking_lowers_size_and_score() -> None:
    found = [quality.assess(scaled(portrait(), side), face(scale=side / 200)) for side in (180, 120, 80, 50)]
    assert falls([one.size for one in found])
    assert falls([one.score for one in found])
    assert quality.size(0) == quality.size(20) == 0
    assert quality.size(120) == quality.size(4000) == 1


def test_turning_and_nodding_lower_pose_either_way() -> None:
    for shift in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        turned = [FRONTAL.copy() for _ in range(5)]
        for step, landmarks in enumerate(turned):
            landmarks[4] += np.array(shift) * step * 5
        found = [quality.assess(portrait(), face(landmarks)) for landmarks in turned]
        assert falls([one.pose for one in found]), shift
        assert falls([one.score for one in found[1:]]), shift


def test_tilting_and_scaling_leave_pose_as_it_is() -> None:
    angle = 0.6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert quality.pose((FRONTAL @ turn.T * 3 + 50).astype(np.float32)) == pytest.approx(
        quality.pose(FRONTAL), abs=1e-5
    )
    assert quality.pose(FRONTAL) > 0.99


def test_the_score_is_a_mean_that_one_zero_spoils() -> None:
    assert quality.combined(size=0.5, sharpness=0.5, pose=0.5, exposure=0.5).score == pytest.approx(0.5)
    assert quality.combined(size=0, sharpness=1, pose=1, exposure=1).score == 0
    assert quality.combined(size=1, sharpness=1, pose=1, exposure=1).score == 1


def test_degenerate_faces_are_zero_and_not_an_error() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    found = quality.assess(flat, DetectedFace(Box(5, 5, 5, 5), 1.0, np.full((5, 2), 50, np.float32)), crop=flat)
    assert (found.size, found.sharpness, found.pose, found.score) == (0, 0, 0, 0)
    assert quality.sharpness(np.zeros((2, 2), np.float32)) == 0


def test_a_crop_at_hand_saves_the_alignment() -> None:
    from faceid_core.vision.alignment import align

    image = portrait()
    assert quality.assess(image, face(), crop=align(image, FRONTAL)) == quality.assess(image, face())


def test_the_worst_parts_are_told_in_words() -> None:
    parts = {"size": 0.45, "sharpness": 0.9, "pose": 0.1, "exposure": 0.5}
    assert quality.weaknesses(parts) == ["turned away", "few pixels"]
    assert quality.weaknesses(dict.fromkeys(parts, 1.0)) == quality.weaknesses({}) == []
    assert set(quality.WORDS) == set(quality.WEIGHTS)
