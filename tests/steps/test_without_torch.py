"""An installation without PyTorch and fastai imports, groups, reviews, trains what it can, and recognises."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from faceid_core.library import Library
from faceid_core.recognition import options
from faceid_core.sample import Album
from tests.cli.running import faceid, in_the_environment, refused
from tests.house import rooms
from tests.house.test_files import TORCH_CLASSES

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "fastai", "fastcore"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
import importlib.util
found = importlib.util.find_spec

def find_spec(name, package=None):
    try:
        return found(name, package)
    except ModuleNotFoundError:
        return None

importlib.util.find_spec = find_spec
"""

ALL_OF_IT = (
    BLOCKED
    + """
import json
from pathlib import Path
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.recognition.training import TrainOptions
from faceid_core.settings import Settings
from faceid_core.steps.cluster import cluster_faces
from faceid_core.steps.map_faces import map_faces
from faceid_core.steps.recognise import recognise
from faceid_core.steps.train import train_recogniser

with Library.open(Settings(library=Path(sys.argv[1]))) as library:
    imported = import_photos(library, [Path(sys.argv[2])]).imported
    groups = cluster_faces(library).clusters
    map_faces(library)
    for group in library.clusters.page()[:2]:
        library.people.name_faces([face.id for face in library.faces.of_cluster(group.number)], f"P{group.number}")
    model = train_recogniser(library, options=TrainOptions(recipe="imprint"))
    photo = library.photos.get(library.faces.of_cluster(1)[0].photo_id)
    names = [face.name for face in recognise(library, images.read(photo.path).pixels)]
print(json.dumps([imported, groups, len(model.classes), "P1" in names]))
"""
)

EVERY_MODULE = (
    BLOCKED
    + """
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
"""
)


def blocked(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=in_the_environment(), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_photos_are_imported_grouped_named_and_recognised(empty: Library, album: Album) -> None:
    imported, groups, classes, known = json.loads(blocked(ALL_OF_IT, empty.settings.library, album.folder))
    assert (imported, classes, known) == (len(album.photos), 2, True) and groups >= 2


@pytest.mark.slow
def test_only_what_trains_needs_torch_to_be_imported() -> None:
    modules = {rooms.module_of(file) for file in rooms.files("faceid_core", "webapp")}
    pages = {name for name in modules if name.startswith(("webapp.app_pages", "webapp.app"))}
    blocked(EVERY_MODULE, *sorted(modules - TORCH_CLASSES - pages - {"faceid_core.cli.__main__"}))


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "has_trainer", lambda: False)


def test_train_says_in_one_sentence_what_to_install(filled: Library, without_torch: None) -> None:
    sentence = refused(faceid("--library", filled.settings.library, "train"), "./run install train")
    assert sentence.count(". ") == 0 and "imprint" in sentence


def test_what_needs_torch(without_torch: None) -> None:
    assert options.TrainOptions(recipe="imprint").is_possible
    assert not options.TrainOptions(recipe="best").is_possible
    assert not options.TrainOptions(recipe="head").is_possible
    assert not options.TrainOptions(recipe="imprint", unfreeze_epochs=1).is_possible
