"""A folder per person, from the sample album: what a recogniser of a library and one of the folder say of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceid_core.errors import BadInput, NoFaces, NoModel, NotEnoughLabels
from faceid_core.exchange.evaluation_page import as_html
from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.steps.evaluate_folder import evaluate_folder


@pytest.fixture(scope="module")
def identities(album: Album, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photos of the album that show one person, a folder each; and a photo without anybody."""
    folder = tmp_path_factory.mktemp("identities")
    for name, faces in album.photos.items():
        if len(faces) == 1:
            (folder / faces[0].person).mkdir(exist_ok=True)
            shutil.copy(album.folder / name, folder / faces[0].person)
    Image.fromarray(np.full((300, 300, 3), 200, np.uint8)).save(next(folder.iterdir()) / "wall.jpg")
    return folder


@pytest.mark.slow
def test_a_split_of_the_folder(empty: Library, identities: Path) -> None:
    found = evaluate_folder(empty, identities, split=True)
    data = found["data"]
    assert found["mode"] == "split" and data["without_face"] == 1 and data["in_library"] == 0
    assert data["known"] >= 1 and data["faces"] > data["known"] + data["strangers"]  # the others were learned
    assert found["accuracy"] >= 0.9 and found["verification"]["equal_error"] < 0.1
    assert sum(each["tested"] for each in found["people"]) == data["known"]
    json.dumps(found, allow_nan=False)
    page = as_html(found, title="Family <b>")
    assert "Family &lt;b&gt;" in page and "<script" not in page and "http" not in page.replace("http-equiv", "")


def test_without_a_recogniser_the_folder_needs_a_split(filled: Library, identities: Path) -> None:
    with pytest.raises(NoModel):
        evaluate_folder(filled, identities)


def test_a_folder_may_be_named_from_here(empty: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people" / "Ada").mkdir(parents=True)
    (tmp_path / "people" / "Ada" / "cut.jpg").touch()
    with pytest.raises(NoFaces):
        evaluate_folder(empty, Path("people"), split=True)
    with pytest.raises(BadInput, match="no subfolder per person"):
        evaluate_folder(empty, Path("people/Ada/cut.jpg"), split=True)


@pytest.mark.slow
def test_what_is_no_folder_of_people(empty: Library, album: Album, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="separate one"):
        evaluate_folder(empty, album.folder, split=True)
    (tmp_path / "Ada").mkdir()
    Image.fromarray(np.full((300, 300, 3), 200, np.uint8)).save(tmp_path / "Ada" / "wall.jpg")
    with pytest.raises(NoFaces):
        evaluate_folder(empty, tmp_path, split=True)
    shutil.copy(album.folder / next(iter(album.photos)), tmp_path / "Ada")
    with pytest.raises(NotEnoughLabels, match="two photos"):
        evaluate_folder(empty, tmp_path, split=True)
