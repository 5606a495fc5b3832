"""Who may do what, checked where it happens: in the library's doors."""

from __future__ import annotations

import pytest

from faceid_core.errors import NotAllowed
from faceid_core.library import Library
from faceid_core.steps.snapshot import recent_snapshot
from faceid_core.values import Actor, Flag, Role


def test_acting_as_somebody_is_the_same_library_with_their_role(filled: Library) -> None:
    viewer = filled.acting_as(Actor("Vera", Role.VIEWER))
    assert (viewer.actor.name, filled.actor.role) == ("Vera", Role.OWNER)
    assert viewer == filled and viewer.counts() == filled.counts()
    with pytest.raises(NotAllowed, match=r"takes the role “editor”, and yours is “viewer”; ask an owner\.$"):
        viewer.faces.flag([1], Flag.HIDDEN)
    viewer.close()
    filled.acting_as(Actor("Edi", Role.EDITOR)).faces.flag([1], Flag.HIDDEN)


def test_what_is_computed_for_one_is_kept_for_all(filled: Library) -> None:
    compared = [recent_snapshot(filled.acting_as(Actor(name, Role.EDITOR))).compared for name in ("Ann", "Bob")]
    assert compared[0] is compared[1]
