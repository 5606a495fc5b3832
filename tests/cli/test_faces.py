"""Boxes by hand on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import Flag
from tests import sharing
from tests.cli.running import faceid, refused
from tests.webapp.conftest import new_photo


@pytest.fixture
def folder(engine_settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    sharing.link_engine(folder, engine_settings.engine_folder)
    with Library.open(sharing.new_library(folder)) as library:
        library.photos.add_many([new_photo(tmp_path, 0)])
    return folder


def test_a_face_is_drawn_moved_and_removed(folder: Path) -> None:
    at, photo = ("--library", folder, "faces"), folder.parent / "photo0.jpg"
    made = faceid(*at, "add", photo, 190, 190, 230, 235, "--name", "Grace")
    assert made.code == 0, made.err
    number = int(made.out)
    assert "only its name counts" in made.err
    faceid(*at, "move", number, 185, 190, 230, 235)
    listed = faceid(*at, "list", photo, "--json").json
    assert [(one["person"], one["box"]) for one in listed if one["id"] == number] == [
        ("Grace", [185, 190, 230, 235])
    ]
    assert "Grace" in faceid(*at, "list", photo).out
    assert "Marked face" in faceid(*at, "remove", number).err
    with Library.open(Settings(library=folder)) as library:
        assert library.faces.get(number).flag is Flag.NOT_A_FACE


def test_mistakes_are_told_in_a_sentence(folder: Path) -> None:
    at, photo = ("--library", folder, "faces"), folder.parent / "photo0.jpg"
    refused(faceid(*at, "add", folder / "no.jpg", 1, 1, 50, 50), "not in the library; import it first")
    refused(faceid(*at, "add", photo, 1, 1, 3, 3), "too small")
    before = faceid(*at, "list", photo, "--json").json
    refused(faceid(*at, "add", photo, 1, 1, 50, 50, "--name", "x" * 101), "at most 100")
    assert faceid(*at, "list", photo, "--json").json == before, "no face without its name"
    refused(faceid(*at, "move", 99, 1, 1, 50, 50), "no face 99")
    refused(faceid(*at, "remove", 99), "no face 99")
