"""Somebody who knows everyone names a whole library by keys, and every name is right: the small form of
tests/bench/naming_by_keys.py."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import Flag
from tests.bench.drawn_library import draw
from tests.bench.naming_by_keys import apart, make, names_given, names_of
from tests.bench.scripted_user import QueueUser

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FACES, PEOPLE = 60, 14


def test_sixty_faces_are_named_by_keys_alone(
    page: Page, serving: Callable[..., AbstractContextManager[str]], tmp_path: Path
) -> None:
    vectors, truth = draw(FACES, PEOPLE)
    order = apart(truth)
    names = names_of(truth[order])
    make(tmp_path, vectors[order])
    with serving(tmp_path) as url:
        page.goto(f"{url}/name_faces")
        page.get_by_role("button", name="Skip").wait_for()
        effort = QueueUser(page, names).run(at_most=2 * FACES)
    with Library.open(Settings(library=tmp_path)) as library:
        given = names_given(library)
        ignored = set(library.faces.with_flag(Flag.STRANGER))
    assert {face: given.get(face, "") for face in names} == names
    assert ignored == {face for face, name in names.items() if not name}
    assert effort.questions.total() < 0.75 * FACES, "whole groups are asked about first"
