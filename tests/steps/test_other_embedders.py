"""A library on another embedder than dlib's: grouped, evaluated, trained, exported, served on its own scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper

from faceid_core.engine.dlib_format import resnet_weights
from faceid_core.engine.graphs import Graph, embedded, float_output
from faceid_core.engine.weights import weights_path
from faceid_core.errors import ModelUnusable, UnknownChoice
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.recognition import model_files
from faceid_core.recognition.recogniser import check_embedder
from faceid_core.recognition.training import TrainOptions
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.steps import apply_recogniser, recognise, train
from faceid_core.steps.cluster import cluster_faces
from faceid_core.steps.evaluate import evaluate_clusters
from faceid_core.steps.export_recogniser import export_recogniser
from faceid_core.steps.recognise import load_recogniser
from faceid_core.steps.train import readiness, train_recogniser
from faceid_core.values import NewPhoto
from faceid_core.vision.embedding import name_of
from tests import sharing
from tests.library.conftest import new_photo
from tests.steps.recognisers import pictures
from tests.steps.test_pipeline import true_names
from tests.vision.test_custom_models import register, register_embedder

PEOPLE, EACH, STRANGERS = 12, 5, 60


def other_network() -> ModelProto:
    """dlib's network behind another crop, and its vectors in 256 numbers, on no right angles and off the middle:
    cosines of two people lie about 0.95 instead of 0.84."""
    graph, rng = Graph(), np.random.default_rng(0)
    scales = graph.constant(np.array([1, 1, 1.34, 1.34], np.float32))
    larger = graph.node("Resize", "input", "", scales, mode="linear")
    pixels = graph.node("Cast", graph.node("Transpose", larger, perm=[0, 2, 3, 1]), to=int(TensorProto.UINT8))
    vectors = embedded(graph, pixels, resnet_weights(weights_path("resnet")))
    mapped = graph.node("MatMul", vectors, graph.constant(rng.normal(size=(128, 256)).astype(np.float32)))
    graph.node("Add", mapped, graph.constant(np.full(256, 2.0, np.float32)), output="vectors")
    source = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 112, 112])
    return graph.model([source], [float_output("vectors", 256)])


def vectors_of(people: list[int], seed: int) -> np.ndarray:
    """(N, 12) of length 1: faces of people by number."""
    noise = np.random.default_rng(seed).normal(0, 0.12, (len(people), 12))
    middles = np.stack([np.random.default_rng(1000 + person).normal(0.5, 1, 12) for person in people])
    vectors = (middles + noise).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture
def library(tmp_path: Path, engine_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """Twelve people on five photos each, named but for the fifth; then sixty strangers. models.toml is mistaken
    about the distance."""
    for module in (train, apply_recogniser):
        monkeypatch.setattr(module, "decoded", pictures)
    monkeypatch.setattr(recognise, "load_detector", lambda settings: None)
    folder = sharing.new_library(tmp_path / "library").library
    register_embedder(folder, threshold=1.2)
    settings = engine_settings.model_copy(update={"library": folder, "embedder": "tiny", "mirror": False})
    people = [number for number in range(PEOPLE) for _ in range(EACH)] + list(range(100, 100 + STRANGERS))
    with Library.open(settings) as opened:
        opened.photos.add_many(
            [photo(number, row, name_of(settings)) for number, row in enumerate(vectors_of(people, 1))]
        )
        for person in range(PEOPLE):
            first = 1 + EACH * person
            opened.people.name_faces(range(first, first + EACH - 1), f"Person {person}")
        yield opened


def photo(number: int, vector: np.ndarray, embedder: str) -> NewPhoto:
    drawn = new_photo(f"/{number}.jpg", faces=1)
    face = replace(drawn.faces[0], vector=vector, crop=b"face of %d" % number)
    return replace(drawn, embedder=embedder, faces=(face,))


def test_groups_follow_the_librarys_own_pairs(library: Library) -> None:
    report = cluster_faces(library)
    run = library.clusters.current()
    assert run is not None
    assert run.parameters["same_person"] < 1.0
    assert report.threshold == pytest.approx(0.88 * run.parameters["same_person"], abs=0.01)
    found = evaluate_clusters(library)
    assert found.bcubed.f > 0.95
    assert found.pairs.two_people > 1000
    assert found.pairs.in_use == run.parameters["same_person"]
    assert found.pairs.found is not None
    assert found.pairs.found > 0.9
    assert "usually show one person" in found.pairs.in_words()
    mistaken = evaluate_clusters(library, threshold=0.88 * 1.2)
    assert mistaken.bcubed.f < found.bcubed.f


def test_a_recogniser_knows_its_people_and_no_stranger(library: Library, tmp_path: Path) -> None:
    model = train_recogniser(library, options=TrainOptions(recipe="imprint"))
    assert model.embedder == name_of(library.settings)
    assert model.metrics["tpir"] > 0.9
    recogniser = load_recogniser(library)
    assert recogniser.scorer.scale.factor != 1
    known = recogniser.probabilities(vectors_of(list(range(PEOPLE)), 2))
    names = [recogniser.classes[at] for at in known.argmax(axis=1)]
    assert names == [f"Person {number}" for number in range(PEOPLE)]
    assert (known.max(axis=1) >= recogniser.threshold).mean() > 0.8
    strangers = recogniser.probabilities(vectors_of(list(range(500, 700)), 3))
    assert (strangers.max(axis=1) >= recogniser.threshold).mean() < 0.05
    export_recogniser(library, tmp_path / "out")
    network = onnxruntime.InferenceSession((tmp_path / "out" / "recogniser.onnx").read_bytes())
    faces = vectors_of(list(range(PEOPLE)), 2)
    np.testing.assert_allclose(network.run(None, {"vectors": faces})[0], known, atol=1e-5)


def test_what_is_of_another_embedder_is_refused_in_a_sentence(library: Library) -> None:
    train_recogniser(library, options=TrainOptions(recipe="imprint"))
    stored = model_files.read(library.settings.models_folder / library.models.latest().artifact)
    assert stored.embedder == name_of(library.settings)
    check_embedder(stored, library.settings)
    check_embedder(stored, library.settings.model_copy(update={"mirror": True}))
    ours = library.settings.model_copy(update={"embedder": "dlib-resnet"})
    with pytest.raises(ModelUnusable, match=r"trained for the embedder tiny-\w{8}; set FACEID_EMBEDDER=tiny, or"):
        check_embedder(stored, ours)
    (library.settings.library / "models.toml").unlink()
    with pytest.raises(ModelUnusable, match=r"trained for the embedder tiny-\w{8}; train again"):
        check_embedder(stored, ours)


def test_only_dlibs_network_is_trained_further(library: Library) -> None:
    assert readiness(library, TrainOptions(recipe="imprint")).refusal is None
    further = TrainOptions(recipe="fine-tune")
    assert "choose the recipe best" in str(readiness(library, further).refusal)
    with pytest.raises(UnknownChoice, match="Only dlib's network can be trained further, not tiny"):
        train_recogniser(library, options=further)


def test_faces_without_a_vector_of_it_are_no_ground_to_train_on(library: Library) -> None:
    settings = library.settings.model_copy(update={"mirror": True})
    with Library.open(settings) as mirrored:
        assert "Name at least one person" in str(readiness(mirrored).refusal)


@pytest.mark.slow
def test_a_real_network_from_import_to_recognition(engine_settings: Settings, album: Album, tmp_path: Path) -> None:
    folder = sharing.new_library(tmp_path / "library").library
    fields = {"input_px": 112, "mean": 0.0, "std": 1.0, "dimension": 256, "threshold": 0.18}
    register(folder, "embedders.other", other_network(), **fields)
    settings = engine_settings.model_copy(update={"library": folder, "embedder": "other", "detection_side_px": 640})
    photos = sorted(album.folder.glob("*.jpg"))
    with Library.open(settings) as library:
        import_photos(library, photos[:-1])
        cluster_faces(library)
        names = true_names(library, album)
        for name in set(names.values()):
            library.people.name_faces([face for face, true in names.items() if true == name], name)
        assert evaluate_clusters(library).bcubed.f > 0.85  # drawn people look alike in such a crop
        model = train_recogniser(library, options=TrainOptions(recipe="head", epochs=2))
        assert (model.embedder, model.metrics["kept"]) == (name_of(settings), "head")
        assert model.metrics["accuracy"] > 0.8
        answers = recognise.recognise(library, images.read(photos[-1]).pixels)
        truth = album.photos[photos[-1].name]
        for answer in answers:
            true = max(truth, key=lambda known: known.box.iou(answer.box))
            assert answer.name in (true.person, None)
