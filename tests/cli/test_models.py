"""Custom models from the command line: known files by their hash, others by their fields."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from faceid_core.engine.weights import weights_path
from faceid_core.settings import Settings
from faceid_core.vision.custom_models import DetectorEntry, EmbedderEntry
from faceid_core.vision.known_models import KNOWN, NOT_TO_ADD
from tests import sharing
from tests.cli.running import faceid, refused
from tests.vision.test_custom_models import SIDE, tiny_embedder, tiny_yunet


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return sharing.new_library(tmp_path / "library").library


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    file = tmp_path / "found.onnx"
    file.write_bytes(tiny_yunet().SerializeToString())
    return file


def entries(library: Path) -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads((library / "models.toml").read_text())


def test_a_known_file_needs_no_fields(library: Path, shared_data: Path) -> None:
    added = faceid("--library", library, "models", "add", shared_data / "models" / "yunet.onnx")
    assert added.code == 0, added.err
    assert "YuNet 2026may" in added.err
    assert "Licence: MIT" in added.err
    assert "FACEID_DETECTOR=yunet" in added.err
    assert "commercial" not in added.err
    assert (library / "yunet.onnx").read_bytes() == (shared_data / "models" / "yunet.onnx").read_bytes()
    assert faceid("--library", library, "models", "check").out == "yunet: runs\n"
    (listed,) = faceid("--library", library, "models", "list", "--json").json
    assert (listed["name"], listed["kind"], listed["licence"]) == ("yunet", "detector", "MIT")


@pytest.mark.slow
def test_the_real_yunet_finds_the_faces_of_a_crowd(
    library: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert faceid("--library", library, "models", "add", shared_data / "models" / "yunet.onnx").code == 0
    monkeypatch.setenv("FACEID_DETECTOR", "yunet")
    done = faceid("--library", library, "import", "--json", shared_data / "crowds" / "26.jpg")
    assert done.json["faces"] >= 40
    assert "yes" in faceid("--library", library, "models", "list").out


def test_an_unknown_file_wants_its_kind_and_its_fields(library: Path, detector: Path) -> None:
    refused(faceid("--library", library, "models", "add", detector), "--kind")
    refused(faceid("--library", library, "models", "add", detector, "--kind", "yunet"), "--input-px")
    refused(
        faceid("--library", library, "models", "add", detector, "--kind", "yunet", "--input-px", "4"), "--input-px"
    )
    assert not (library / "models.toml").exists()
    added = faceid("--library", library, "models", "add", detector, "--kind", "yunet", "--input-px", SIDE)
    assert added.code == 0, added.err
    assert "Licence: unknown" in added.err
    assert entries(library)["detectors"]["found"]["input_px"] == SIDE


def test_a_file_of_another_kind_is_refused_before_it_is_kept(library: Path, detector: Path) -> None:
    refused(faceid("--library", library, "models", "add", detector, "--kind", "scrfd", "--input-px", SIDE), "kind")
    assert sorted(path.name for path in library.glob("*.onnx")) == []
    assert not (library / "models.toml").exists()


def test_an_embedder_is_added_with_its_dimension(library: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.onnx"
    file.write_bytes(tiny_embedder().SerializeToString())
    given = ("--kind", "embedder", "--input-px", 112, "--threshold", 0.4, "--dimension")
    refused(faceid("--library", library, "models", "add", file, *given, 13), "12")
    assert faceid("--library", library, "models", "add", file, *given, 12, "--name", "quarters").code == 0
    assert entries(library)["embedders"]["quarters"]["dimension"] == 12


def test_an_entry_is_removed_and_all_else_stays(library: Path, detector: Path) -> None:
    mine = (
        '# by hand\n[detectors.other]  # old\nfile = "other.onnx"\nsha256 = "%s"\nkind = "scrfd"\ninput_px = 640\n'
    )
    (library / "models.toml").write_text(mine % ("0" * 64))
    assert faceid("--library", library, "models", "add", detector, "--kind", "yunet", "--input-px", SIDE).code == 0
    refused(faceid("--library", library, "models", "check"), "other")
    refused(
        faceid("--library", library, "models", "add", detector, "--kind", "yunet", "--input-px", SIDE), "already"
    )
    assert faceid("--library", library, "models", "remove", "found").code == 0
    assert (library / "models.toml").read_text().strip() == (mine % ("0" * 64)).strip()
    assert (library / "found.onnx").exists()
    refused(faceid("--library", library, "models", "remove", "found"), "found", "other")


@pytest.mark.parametrize("name", ["centerface", "dlib-resnet", "two words", "../up"])
def test_a_name_that_is_taken_or_odd_is_refused(name: str, library: Path, detector: Path) -> None:
    given = ("--kind", "yunet", "--input-px", SIDE, "--name", name)
    refused(faceid("--library", library, "models", "add", detector, *given), "--name")


def test_another_file_of_the_same_name_is_kept(library: Path, detector: Path) -> None:
    (library / "found.onnx").write_bytes(b"mine")
    assert faceid("--library", library, "models", "add", detector, "--kind", "yunet", "--input-px", SIDE).code == 0
    assert (library / "found.onnx").read_bytes() == b"mine"
    assert str(entries(library)["detectors"]["found"]["file"]).startswith("found-")


def test_a_file_that_is_none_is_told(library: Path, tmp_path: Path) -> None:
    refused(faceid("--library", library, "models", "add", tmp_path / "missing.onnx"), "missing.onnx")
    text = tmp_path / "text.onnx"
    text.write_text("no network")
    given = ("--kind", "yunet", "--input-px", SIDE)
    refused(faceid("--library", library, "models", "add", text, *given), "ONNX")


def test_a_research_licence_is_told(library: Path, detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses
    import hashlib

    known = next(each for each in KNOWN.values() if each.research_only and each.table == "detectors")
    fields = {"kind": "yunet", "input_px": SIDE}
    sha256 = hashlib.sha256(detector.read_bytes()).hexdigest()
    monkeypatch.setitem(KNOWN, sha256, dataclasses.replace(known, fields=fields))
    added = faceid("--library", library, "models", "add", detector)
    assert "research only" in added.err
    assert "commercial use needs" in added.err


def test_every_known_file_has_a_complete_entry() -> None:
    for sha256, known in KNOWN.items():
        kind = DetectorEntry if known.table == "detectors" else EmbedderEntry
        kind.model_validate({"file": "any.onnx", "sha256": sha256, **known.fields})
        assert known.name not in Settings.model_fields


def test_an_empty_library_has_none(library: Path) -> None:
    assert "no custom model" in faceid("--library", library, "models", "list").err
    assert "no custom model" in faceid("--library", library, "models", "check").err


def test_a_file_that_is_there_anyway_is_told(library: Path) -> None:
    for name, words in {
        "centerface": "CenterFace (licence: MIT): faceid has it; set `FACEID_DETECTOR=centerface`",
        "mmod": "dlib's CNN face detector (licence: CC0-1.0): faceid has it; set `FACEID_DETECTOR=mmod`",
        "resnet": "(licence: CC0-1.0): faceid has it; set `FACEID_EMBEDDER=dlib-resnet`",
        "landmarks5": "dlib's five landmarks (licence: CC0-1.0)",
    }.items():
        refused(faceid("--library", library, "models", "add", weights_path(name)), words)
    assert not (library / "models.toml").exists()


def test_what_is_known_is_either_to_add_or_not() -> None:
    assert not KNOWN.keys() & NOT_TO_ADD.keys()
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in {**KNOWN, **NOT_TO_ADD})
