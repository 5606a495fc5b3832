"""Choosing among recognisers by commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests import sharing
from tests.cli.running import faceid, refused


@pytest.fixture
def two(trained_folder: Path, tmp_path: Path) -> Path:
    """Two recognisers of the same names; the second is in use."""
    mine = sharing.copy_library(trained_folder, tmp_path / "library")
    assert faceid("--library", mine, "train", "--recipe", "imprint").code == 0
    return mine


def in_use(folder: Path) -> int:
    with Library.open(Settings(library=folder)) as library:
        return library.models.latest().id


def test_none_is_trained_yet(folder: Path) -> None:
    ran = faceid("--library", folder, "recognisers", "list")
    assert (ran.code, ran.out) == (0, "") and "faceid train" in ran.err
    assert faceid("--library", folder, "recognisers", "list", "--json").json == []
    ran = faceid("--library", folder, "recognisers", "card")
    assert ran.code == 2 and "No recogniser has been trained yet" in ran.err


def test_one_is_chosen_and_that_is_undone(two: Path) -> None:
    at = ("--library", two, "recognisers")
    listed = faceid(*at, "list", "--json").json
    assert [(each["number"], each["in_use"]) for each in listed] == [(2, True), (1, False)]
    assert faceid(*at, "activate", 1).err == "Activated recogniser 1.\n" and in_use(two) == 1
    assert "already in use" in faceid(*at, "activate", 1).err
    table = faceid(*at, "list").out.splitlines()
    assert table[0].startswith("Number") and "in use" in table[3] and "in use" not in table[2]
    assert faceid("--library", two, "undo").code == 0 and in_use(two) == 2


def test_the_threshold_by_probability_and_by_strangers(two: Path) -> None:
    at = ("--library", two, "recognisers")
    assert faceid(*at, "threshold", 2, 0.75).err == "Set the threshold of recogniser 2 to 0.750.\n"
    card = faceid(*at, "card", "--json").json
    assert card["threshold"] == 0.75
    assert faceid(*at, "threshold", 2, "--one-in", 1000).code == 0
    strict = next(point for point in card["operating_points"] if point["fpir"] == 0.001)
    assert faceid(*at, "card", "--json").json["threshold"] == pytest.approx(strict["threshold"])
    for wrong, sentence in (
        ((2, "--one-in", 3), "choose 10 to 1000"),
        ((2, 1.5), "between 0 and 1"),
        ((2,), "Give a probability, or --one-in"),
        ((9, 0.5), "There is no recogniser 9"),
    ):
        ran = faceid(*at, "threshold", *wrong)
        assert ran.code == 2 and sentence in ran.err


def test_notes_card_and_comparison(two: Path) -> None:
    at = ("--library", two, "recognisers")
    faceid(*at, "note", 1, "the *first*")
    assert faceid(*at, "list", "--json").json[1]["notes"] == "the *first*"
    assert "Removed the note" in faceid(*at, "note", 1, "").err
    assert "| Anna |" in faceid(*at, "card", 1).out
    one, other = faceid(*at, "compare", 1, 2, "--json").json
    assert (one["model"], other["model"]) == (1, 2) and one["known"] == other["known"] > 0
    assert faceid(*at, "compare", 1, 2).out.splitlines()[0].startswith("Number")
    ran = faceid(*at, "compare", 1)
    assert ran.code == 2 and "two recognisers or more" in ran.err


@pytest.mark.slow
def test_one_is_deleted_for_good(two: Path) -> None:
    at = ("--library", two, "recognisers")
    assert faceid(*at, "delete", 2).code != 0 and in_use(two) == 2, "nobody answered the question"
    assert faceid(*at, "delete", 2, "--yes").err == "Recogniser 2 was deleted; recogniser 1 is in use.\n"
    assert faceid(*at, "delete", 2, "--yes").code == 2
    assert "none is left" in faceid(*at, "delete", 1, "--yes").err


def test_one_is_exported(two: Path, tmp_path: Path) -> None:
    ran = faceid("--library", two, "recognisers", "export", tmp_path / "elsewhere")
    assert ran.code == 0 and "docs/recognition.md" in ran.err
    assert sorted(file.name for file in (tmp_path / "elsewhere").iterdir()) == [
        "recogniser.json",
        "recogniser.onnx",
    ]
    ran = faceid("--library", two, "recognisers", "export", tmp_path / "elsewhere")
    assert ran.code == 2 and "not empty" in ran.err


@pytest.fixture(scope="module")
def identities(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos each of Anna and of an unnamed group, which the library has not, and one that it has."""
    folder = tmp_path_factory.mktemp("identities")
    with Library.open(Settings(library=trained_folder)) as library:
        for number, name in ((1, "Anna"), (3, "Zoe")):
            (folder / name).mkdir()
            for face in library.faces.of_cluster(number)[:2]:
                x, y = (face.box.left + face.box.right) / 2, (face.box.top + face.box.bottom) / 2
                with Image.open(library.photos.get(face.photo_id).path) as photo:
                    middle = ImageOps.exif_transpose(photo).crop((x - 160, y - 160, x + 160, y + 160))
                middle.save(folder / name / f"{face.id}.png")
        shutil.copy(library.photos.get(1).path, folder / "Anna")
    return folder


@pytest.mark.slow
def test_a_folder_per_person_is_evaluated(trained_folder: Path, identities: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    ran = faceid("--library", trained_folder, "evaluate", "--folder", identities, "--report", page, "--json")
    data = ran.json["data"]
    assert (ran.code, data["known"], data["strangers"], data["in_library"]) == (0, 2, 2, 1)
    assert ran.json["accuracy"] == 1.0 and ran.json["chosen"]["tpir"] == 1.0
    assert "Anna" in page.read_text() and "<script" not in page.read_text()
    (identities / "Anna").rename(identities / "Nobody")
    refused(
        faceid("--library", trained_folder, "evaluate", "--folder", identities),
        "knows nobody these folders are named after",
    )


def test_options_of_an_evaluation_that_do_not_go_together(trained_folder: Path, identities: Path) -> None:
    refused(faceid("--library", trained_folder, "evaluate", "--split"), "need --folder")
    both = faceid("--library", trained_folder, "evaluate", "--folder", identities, "--threshold", 1)
    refused(both, "can't be combined with --folder")


def test_what_to_name_next_is_listed(two: Path) -> None:
    at = ("--library", two, "recognisers", "next")
    found = faceid(*at, "--json").json
    assert len(found) == len({each["face"] for each in found}) <= 50
    assert [each["gain"] for each in found] == sorted((each["gain"] for each in found), reverse=True)
    with Library.open(Settings(library=two)) as library:
        assert all(face.person is None for face in library.faces.get_many([each["face"] for each in found]))
        assert all(Path(each["photo"]).is_absolute() for each in found)
    listed = faceid(*at, "--count", 1)
    assert listed.code == 0 and (len(listed.out.splitlines()) == 3 or "No unnamed face" in listed.err)


@pytest.mark.slow
def test_suggested_names_are_listed_accepted_and_undone(two: Path) -> None:
    with Library.open(Settings(library=two)) as library:
        face = library.faces.of_person(library.people.known("Anna").id)[0].id
        library.people.name_faces([face], "Cara")
        library.people.delete(library.people.known("Cara").id)
    at = ("--library", two, "recognisers", "suggest")
    listed = {each["face"]: each for each in faceid(*at, "--json").json}
    assert listed[face]["name"] == "Anna" and 0.5 < listed[face]["probability"] <= 1
    assert set(listed[face]) == {"face", "name", "probability", "runner_up", "photo"}
    assert "Anna" in faceid(*at).out
    ran = faceid(*at, "--accept", 0.9)
    assert ran.code == 0 and "as the recogniser suggested" in ran.err
    with Library.open(Settings(library=two)) as library:
        assert library.faces.get(face).person == "Anna"
    assert faceid("--library", two, "undo").code == 0
    with Library.open(Settings(library=two)) as library:
        assert library.faces.get(face).person is None
