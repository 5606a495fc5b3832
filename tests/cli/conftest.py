"""Libraries for the commands: imported and grouped, with names, with a recogniser."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests import sharing
from tests.cli.running import faceid


@pytest.fixture(autouse=True)
def quick_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the one who runs the tests; a quick search, no processes, a map that needs no compiling."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FACEID_{name.upper()}", raising=False)
    monkeypatch.setenv("FACEID_WORKERS", "1")
    monkeypatch.setenv("FACEID_DETECTION_SIDE_PX", "800")
    monkeypatch.setenv("FACEID_PROJECTOR", "pca")


@pytest.fixture
def folder(imported_folder: Path, tmp_path: Path) -> Path:
    """The folder of a library of one's own: the album, imported and grouped."""
    return sharing.copy_library(imported_folder, tmp_path / "library")


def name_two(folder: Path) -> None:
    with Library.open(Settings(library=folder)) as library:
        for number, name in ((1, "Anna"), (2, "[b]Øystein[/b]")):
            library.people.name_faces([face.id for face in library.faces.of_cluster(number)], name)


@pytest.fixture(scope="module")
def named_folder(imported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the album's groups named."""
    named = sharing.copy_library(imported_folder, tmp_path_factory.mktemp("named") / "library")
    name_two(named)
    return named


@pytest.fixture(scope="session")
def trained_template(imported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the album's groups named, and a recogniser trained from those names by the command line."""

    def make(folder: Path) -> None:
        named = sharing.copy_library(imported_folder, folder / "library")
        name_two(named)
        ran = faceid("--library", named, "train", "--epochs", 2, "--json")
        assert ran.code == 0
        assert ran.json["classes"] == ["Anna", "[b]Øystein[/b]"]
        assert ran.json["accuracy"] > 0.9
        assert "knows 2 people" in ran.err

    return sharing.once(tmp_path_factory, "trained", make) / "library"


@pytest.fixture(scope="module")
def trained_folder(trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of the file's own with two people named and a recogniser trained."""
    return sharing.copy_library(trained_template, tmp_path_factory.mktemp("trained") / "library")
