"""A recogniser outside faceid answers as faceid does."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from faceid_core.errors import BadInput, NotAllowed, NotFound
from faceid_core.library import Library
from faceid_core.recognition import model_files
from faceid_core.recognition.model_files import StoredModel
from faceid_core.recognition.onnx_export import recogniser_graph
from faceid_core.recognition.openset import Calibration, probabilities
from faceid_core.recognition.scoring import FaceSet, Scorer
from faceid_core.recognition.training import TrainOptions
from faceid_core.steps import export_recogniser
from faceid_core.steps.load_vectors import decoded
from faceid_core.steps.recognise import load_recogniser
from faceid_core.steps.train import train_recogniser
from faceid_core.values import Actor, Role
from faceid_core.vision.embedding import make_embedder
from tests.cli.running import ROOT

PEOPLE, COHORT = 5, 300


def some(seed: int, count: int, noise: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(0, noise, (count, 128)) + 2).astype(np.float32)


def stored(*, cohort: bool, negatives: bool) -> StoredModel:
    rows, strangers = some(1, PEOPLE), some(2, COHORT)
    classes = np.full(COHORT, -1)
    classes[-4:] = known = [0, 1, 3, 4]
    strangers[-4:] = rows[known] + some(3, 4, 0.2) - 2
    whom = np.array([0, 0, 2, 2, 2, 4, 4])
    rejected = rows[whom] + some(4, len(whom), 0.6) - 2
    return StoredModel(
        tuple("ABCDE"), "dlib-resnet", 0.5, Calibration(40.0, 0.9), {"rows": rows}, {},
        FaceSet(strangers, np.arange(COHORT), classes) if cohort else FaceSet.none(),
        FaceSet(rejected.astype(np.float32), np.arange(len(whom)), whom) if negatives else FaceSet.none(),
    )  # fmt: skip


@pytest.mark.parametrize("cohort", [True, False])
@pytest.mark.parametrize("negatives", [True, False])
def test_the_graph_computes_what_the_recogniser_does(cohort: bool, negatives: bool) -> None:
    model = stored(cohort=cohort, negatives=negatives)
    near = np.concatenate([model.tensors["rows"] + some(5 + n, PEOPLE, 0.3 + 0.2 * n) - 2 for n in range(6)])
    faces = np.concatenate([near, model.negatives.vectors, some(9, 20)]).astype(np.float32)
    expected = probabilities(Scorer(model.tensors["rows"], model.cohort, model.negatives)(faces), model.calibration)
    session = onnxruntime.InferenceSession(recogniser_graph(model, None).SerializeToString())
    (found,) = session.run(["probabilities"], {"vectors": faces})
    np.testing.assert_allclose(found, expected, atol=1e-6)
    best = expected.max(axis=1)
    assert ((best > 0.1) & (best < 0.9)).sum() > 5, "the faces tell apart what is right and what is not"
    if negatives or cohort:
        plain = probabilities(Scorer(model.tensors["rows"])(faces), model.calibration)
        assert np.abs(plain - expected).max() > 0.05


@pytest.fixture
def named(filled: Library) -> Library:
    for number, name in ((1, "Ann Lee"), (2, "Bo"), (3, "Čeněk")):
        filled.people.name_faces([face.id for face in filled.faces.of_cluster(number)], name)
    train_recogniser(filled, options=TrainOptions(recipe="imprint"))
    return filled


def program() -> str:
    text = (ROOT / "docs" / "recognition.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```python\n(.*?)```", text, re.S)
    return str(found)


GUARD = """
import runpy, sys
sys.argv = ["recognise.py", *sys.argv[1:]]
runpy.run_path("recognise.py", run_name="__main__")
heavy = {"faceid_core", "webapp", "torch", "dlib", "safetensors", "onnx", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.slow
def test_the_program_of_the_docs_names_faces_as_faceid_does(named: Library, tmp_path: Path) -> None:
    """In a process of its own, which loads nothing of faceid."""
    folder = tmp_path / "elsewhere"
    export_recogniser.export_recogniser(named, folder)
    (folder / "recognise.py").write_text(program(), encoding="utf-8")
    ids = named.faces.vectors(named.settings.embedder).ids.tolist() or [
        face.id for photo in named.photos.page(limit=99) for face in named.faces.of_photo(photo.id)
    ]
    for face, crop in named.faces.crops(ids).items():
        (folder / f"{face}.jpg").write_bytes(crop)
    ran = subprocess.run(
        [sys.executable, "-I", "-c", GUARD, *(f"{face}.jpg" for face in ids)],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    recogniser = load_recogniser(named)
    in_floats = make_embedder(named.settings.model_copy(update={"precision": "exact"}))  # as the graph computes
    shares = recogniser.probabilities(in_floats.embed(decoded(named, ids)))
    assert [answer["face"] for answer in answers] == [f"{face}.jpg" for face in ids] and len(ids) > 10
    for answer, mine in zip(answers, shares, strict=True):
        assert answer["probability"] == pytest.approx(mine.max(), abs=2e-3)
        expected = recogniser.classes[mine.argmax()] if mine.max() >= recogniser.threshold else None
        assert answer["name"] == expected or abs(mine.max() - recogniser.threshold) < 2e-3
    assert len({answer["name"] for answer in answers}) == 4, "three people, and unknown ones"


@pytest.mark.slow
def test_it_says_who_and_from_when_on(named: Library, tmp_path: Path) -> None:
    number = named.models.latest().id
    named.models.set_threshold(number, 0.77)
    with zipfile.ZipFile(io.BytesIO(b"".join(export_recogniser.archive(named, number)))) as archive:
        assert sorted(archive.namelist()) == ["recogniser.json", "recogniser.onnx"]
        about = json.loads(archive.read("recogniser.json"))
    assert (about["classes"], about["threshold"]) == (["Ann Lee", "Bo", "Čeněk"], 0.77)
    assert about["input"]["name"] == "crops" and about["card"]["threshold"] == 0.77
    with pytest.raises(NotFound):
        export_recogniser.archive(named, 99)
    with pytest.raises(NotAllowed):
        export_recogniser.archive(named.acting_as(Actor("Edi", Role.EDITOR)), number)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    with pytest.raises(BadInput, match="not empty"):
        export_recogniser.export_recogniser(named, tmp_path / "there")


def test_another_face_network_stays_outside(empty: Library) -> None:
    model = replace(stored(cohort=False, negatives=False), embedder="sface")
    folder = model_files.write(model, empty.settings.models_folder)
    number = empty.models.add("sface", list(model.classes), {}, 0.5, {}, folder.name)
    with zipfile.ZipFile(io.BytesIO(b"".join(export_recogniser.archive(empty, number)))) as archive:
        about = json.loads(archive.read("recogniser.json"))
        graph = archive.read("recogniser.onnx")
    assert about["input"] == {"name": "vectors", "shape": "N, D, float32: vectors of sface"}
    assert [each.name for each in onnxruntime.InferenceSession(graph).get_inputs()] == ["vectors"]
