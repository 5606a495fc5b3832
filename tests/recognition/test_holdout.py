"""What is held out: whole photos, no copies on both sides, nobody without a face to train with."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceid_core.recognition import holdout


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=60), st.integers(0, 5))
def test_every_split_keeps_photos_whole_and_people_trainable(faces: list[tuple[int, int]], seed: int) -> None:
    classes, photos = np.array(faces, np.int64).T
    held = holdout.hold_out(classes, photos, 0.25, seed)
    assert not set(photos[held]) & set(photos[~held])
    assert set(classes[~held]) == set(classes)
    for person in set(classes):
        if len(set(photos[classes == person])) == 1:
            assert not held[classes == person].any()


def test_a_quarter_of_the_photos_is_held_out() -> None:
    classes, photos = np.repeat(np.arange(3), 20), np.arange(60)
    assert holdout.hold_out(classes, photos, 0.25, 0).sum() == 15
    assert holdout.hold_out(np.array([0, 0, 1, 1]), np.arange(4), 0.25, 0).sum() == 2


def test_copies_of_a_photo_stay_together() -> None:
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 200, (5, 6, 6, 3)).astype(np.uint8).repeat(25, 1).repeat(25, 2)
    crops[3] = np.clip(crops[0] * 1.1 + rng.normal(0, 5, crops[0].shape), 0, 255)
    groups = holdout.photo_groups(crops, np.array([0, 0, 1, 0, 1]), np.array([10, 11, 11, 12, 13]))
    assert groups[0] == groups[3] != groups[1]
    assert groups[1] == groups[2] != groups[4]


def test_many_faces_of_one_person_are_sampled() -> None:
    classes = np.array([0] * 50 + [1] * 3)
    chosen = holdout.sampled(classes, 10, 0)
    assert np.bincount(classes[chosen]).tolist() == [10, 3]
    assert (np.diff(chosen) > 0).all()
