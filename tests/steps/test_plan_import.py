"""What an import will do is said by names, sizes and times, without reading a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.errors import NotAllowed, NothingToImport, PathNotFound
from faceid_core.library import Library
from faceid_core.steps import plan_import as step
from faceid_core.steps.plan_import import plan_import
from faceid_core.values import Actor, Role
from tests import sharing
from tests.webapp.conftest import new_photo


def test_every_kind_of_file_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    with Library.open(sharing.new_library(tmp_path / "library")) as library:
        library.photos.add_many([new_photo(here, number) for number in range(3)])
        (here / "photo0.jpg").rename(here / "moved.jpg")
        (here / "photo1.jpg").write_bytes(b"changed")
        (here / "new.jpg").write_bytes(b"x" * 1000)
        (here / "clip.mp4").write_bytes(b"x" * 10)
        size = (here / "moved.jpg").stat().st_size
        plan = plan_import(library, [here], videos=True)
        assert (plan.new, plan.known, plan.changed, plan.moved, plan.videos) == (3, 1, 1, 1, 1)
        assert plan.bytes == size + 7 + 1000 + 10 and plan.files == 5 and plan.seconds is None
        assert plan_import(library, [here]).videos == 0
        assert not plan.is_large
        monkeypatch.setattr(step, "ASK_FROM", 3)
        assert plan.is_large
        job = library.jobs.submit("import", {"paths": []})
        library.jobs.claim()
        library.jobs.finish(job.id, {"imported": 10, "renewed": 0, "seconds": 5.0})
        assert plan_import(library, [here], videos=True).seconds == 2.0
        with pytest.raises(NothingToImport):
            plan_import(library, [there])
        with pytest.raises(PathNotFound):
            plan_import(library, [there / "x"])
        with pytest.raises(NotAllowed):
            plan_import(library.acting_as(Actor("Edi", Role.EDITOR)), [here])
