from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageFont

from faceid_core.media import annotate
from faceid_core.media.annotate import Label
from faceid_core.values import Box

PHOTO = np.full((120, 200, 3), 90, np.uint8)
BEYOND = [Box(-30, -30, 20, 20), Box(180, 100, 260, 160), Box(0, 0, 200, 120)]


def font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size_px)


def colours(image: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in image.reshape(-1, 3).tolist()}


def test_a_box_and_its_label_are_drawn_and_nothing_else() -> None:
    drawn = annotate.draw(PHOTO, [Label(Box(10, 20, 60, 80), "Ada", "#0f766e")], font)
    assert {(255, 255, 255), (15, 118, 110), (90, 90, 90)} <= colours(drawn)
    rows, columns = np.nonzero((drawn != PHOTO).any(axis=2))
    assert (rows.min(), columns.min()) == (20, 10)
    assert (PHOTO == 90).all()
    assert np.array_equal(annotate.draw(PHOTO, [], font), PHOTO)


@pytest.mark.parametrize("box", BEYOND)
def test_a_box_that_reaches_out_of_the_picture(box: Box) -> None:
    drawn = annotate.draw(
        PHOTO, [Label(box, "A name that is far longer than the picture is wide, indeed", "red")], font
    )
    assert drawn.shape == PHOTO.shape
    assert (255, 0, 0) in colours(drawn)  # the label has moved into the picture
    crop, (left, top) = annotate.cut_out(PHOTO, box)
    assert crop.size and left >= 0 and top >= 0
    assert np.shares_memory(crop, PHOTO)


def test_letters_grow_with_the_picture() -> None:
    sizes: list[int] = []

    def noted(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        sizes.append(size_px)
        return font(size_px)

    for width in (200, 1600):
        annotate.draw(np.zeros((100, width, 3), np.uint8), [Label(Box(0, 0, 50, 50), "Ada", "red")], noted)
    assert sizes == [20, 40]


def test_a_small_face_is_enlarged_by_a_whole_number() -> None:
    box = Box(40, 40, 80, 80)
    crop, _ = annotate.cut_out(PHOTO, box)
    near = annotate.close_up(PHOTO, box)
    assert near.shape == (crop.shape[0] * 5, crop.shape[1] * 5, 3)
    assert (near[14 * 5, near.shape[1] // 2] == 255).all()  # the upper edge, 35% of 40 pixels below the crop's
    assert (near[:60] == 90).all()


def test_a_contact_sheet_has_rows_of_equal_pictures() -> None:
    shades = [np.full((150, 150, 3), 10 * number, np.uint8) for number in range(1, 6)]
    sheet = annotate.contact_sheet(shades, columns=3, side_px=24)
    assert sheet.shape == (24 + 1 + 24, 3 * 25 - 1, 3)
    assert sheet[12, 12].tolist() == [10] * 3 and sheet[40, 37].tolist() == [50] * 3
    assert (sheet[25:, 50:] == 255).all()  # the last row is filled up
    assert annotate.contact_sheet([]).shape[0] == 0
