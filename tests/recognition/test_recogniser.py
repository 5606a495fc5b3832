"""Serving: who is in a photo, files that can't be used, and that nothing heavy is loaded."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceid_core.errors import ModelUnusable
from faceid_core.media import images
from faceid_core.recognition import candidates, classifier, model_files, openset, training
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.openset import Calibration
from faceid_core.recognition.recogniser import Recogniser, summary
from faceid_core.recognition.scoring import FaceSet
from faceid_core.values import Box, DetectedFace, Guess, Recognised
from faceid_core.vision.embedding import make_embedder
from tests.faces import SETTINGS, Faces

Embedded = tuple[Faces, np.ndarray]


@pytest.fixture(scope="module")
def embedded(drawn_faces: Faces) -> Embedded:
    return drawn_faces, make_embedder(SETTINGS).embed(drawn_faces.crops)


@pytest.fixture
def folder(embedded: Embedded, tmp_path: Path) -> Path:
    """A recogniser imprinted from the drawn people but one."""
    faces, vectors = embedded
    known = sorted(set(faces.names))[:-1]
    part = np.array([name in known for name in faces.names])
    classes = np.array([known.index(name) for name in faces.names if name in known])
    strangers = FaceSet.strangers(vectors[~part])
    examples = Examples(vectors[part], classes, faces.photos[part], len(known), strangers)
    scorer, scored = classifier.imprinted(examples)
    found = classifier.calibrated(scored, examples)
    stored = model_files.StoredModel(
        tuple(known), "dlib-resnet+mirror", found.threshold, found.calibration, {"rows": scorer.rows}, {},
        scorer.cohort,
    )  # fmt: skip
    return model_files.write(stored, tmp_path)


@pytest.fixture
def recogniser(folder: Path) -> Recogniser:
    return Recogniser.load(folder, settings=SETTINGS)


def photo(faces: Faces, name: str) -> np.ndarray:
    return images.read(faces.album.folder / name, max_megapixels=100).pixels


@pytest.mark.slow
def test_names_everybody_from_left_to_right(recogniser: Recogniser, embedded: Embedded) -> None:
    faces, _ = embedded
    right = total = 0
    for name, truth in faces.album.photos.items():
        found = recogniser.recognise(photo(faces, name))
        assert [face.box.left for face in found] == sorted(face.box.left for face in found)
        for face in found:
            overlaps = [known.box.iou(face.box) for known in truth]
            match = truth[int(np.argmax(overlaps))]
            expected = match.person if match.person in recogniser.classes else None
            right += face.name == expected
            total += 1
            assert 0 <= face.probability <= 1
            assert face.name not in [guess.name for guess in face.runners_up]
    assert total > 20 and right / total >= 0.9


def test_no_face_no_answer(recogniser: Recogniser) -> None:
    assert recogniser.recognise(np.zeros((200, 300, 3), np.uint8)) == []
    assert recogniser.recognise(np.zeros((0, 0, 3), np.uint8)) == []


@pytest.mark.slow
def test_threshold_of_the_caller(recogniser: Recogniser, embedded: Embedded) -> None:
    faces, _ = embedded
    image = photo(faces, next(iter(faces.album.photos)))
    strict = recogniser.recognise(image, threshold=1.0)
    assert strict and all(face.name is None for face in strict)
    assert all(face.runners_up[0].probability == pytest.approx(1 - face.probability) for face in strict)
    assert all(face.name for face in recogniser.recognise(image, threshold=0.0))


@pytest.mark.slow
def test_many_threads_one_answer(recogniser: Recogniser, embedded: Embedded) -> None:
    faces, _ = embedded
    image = photo(faces, max(faces.album.photos, key=lambda name: len(faces.album.photos[name])))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: recogniser.recognise(image), range(4)))
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.slow
def test_one_embedding_at_a_time_however_many_ask(
    recogniser: Recogniser, embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = photo(embedded[0], next(iter(embedded[0].album.photos)))
    embed, running, at_once = recogniser.embedder.embed, [0], list[int]()

    def watched(crops: np.ndarray) -> np.ndarray:
        running[0] += 1
        at_once.append(running[0])
        time.sleep(0.3)  # longer than a search
        vectors = embed(crops)
        running[0] -= 1
        return vectors

    monkeypatch.setattr(recogniser.embedder, "embed", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(recogniser.recognise, [pixels] * 4))
    assert at_once == [1] * 4


def test_one_person_once_in_a_photo(recogniser: Recogniser, embedded: Embedded) -> None:
    faces, vectors = embedded
    name = recogniser.classes[0]
    own = vectors[[i for i, n in enumerate(faces.names) if n == name]]
    twins = np.stack([own.mean(0), own.mean(0)])
    boxes = [DetectedFace(Box(x, 0, x + 50, 50), 1.0, np.zeros((5, 2), np.float32)) for x in (60, 0)]
    assert [face.name for face in recogniser.label(boxes, twins)] == [name, name], "both are beyond doubt"
    recogniser.calibration = replace(
        recogniser.calibration, threshold_cosine=float(recogniser.scorer(twins)[0].max()) - 0.002
    )
    recogniser.threshold = 0.5
    assert [face.name for face in recogniser.label(boxes, twins)].count(name) == 1


# --- files ------------------------------------------------------------------------------------------------------
def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def cut_short(folder: Path) -> None:
    path = folder / "tensors.safetensors"
    path.write_bytes(path.read_bytes()[:-5])


def flip(folder: Path) -> None:
    path = folder / "tensors.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda f: (f / "model.json").unlink(), "are missing"),
        (lambda f: (f / "tensors.safetensors").unlink(), "are missing"),
        (lambda f: (f / "model.json").write_text("{"), "are damaged"),
        (lambda f: (f / "model.json").write_text("[1]"), "are damaged"),
        (lambda f: (f / "model.json").write_bytes(b"\xff\xfe"), "are damaged"),
        (cut_short, "are damaged"),
        (flip, "are damaged"),
        (lambda f: rewrite(f, classes=["only one"]), "are damaged"),
        (lambda f: rewrite(f, threshold=None), "are damaged"),
        (lambda f: rewrite(f, calibration={"slope": 1}), "are damaged"),
        (lambda f: rewrite(f, version=99), "newer faceid"),
        (lambda f: rewrite(f, embedder="arcface"), "trained for the embedder arcface"),
    ],
)
def test_unusable_files_get_one_sentence(folder: Path, harm: Callable[[Path], object], words: str) -> None:
    harm(folder)
    with pytest.raises(ModelUnusable, match=words) as caught:
        Recogniser.load(folder, settings=SETTINGS)
    assert str(caught.value).endswith(".") and "train again" in str(caught.value)


def test_mirroring_follows_the_model_not_the_settings(folder: Path) -> None:
    loaded = Recogniser.load(folder, settings=SETTINGS.model_copy(update={"mirror": False}))
    assert loaded.embedder.name == "dlib-resnet+mirror"


@pytest.mark.slow
def test_serving_needs_no_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from faceid_core.recognition.recogniser import Recogniser; from faceid_core.settings import Settings\n"
        f"r = Recogniser.load(Path({str(folder)!r}), settings=Settings(library=Path({str(SETTINGS.library)!r})))\n"
        "assert r.recognise(np.zeros((99, 99, 3), np.uint8)) == []\n"
        "sys.exit(bool({'torch', 'fastai', 'faceid_core.recognition.training'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_network_trained_further_is_served(
    drawn_faces: Faces, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faces = drawn_faces
    names = [name for name, _ in Counter(faces.names).most_common(2)]
    at = [i for i, name in enumerate(faces.names) if name in names]
    # The trained network counts as better than the published one, so that it is what is kept.
    for module in (candidates, training):
        monkeypatch.setattr(module, "open_set", lambda candidate, held: (float(candidate.net is not None), 1.0))
    options = training.TrainOptions(recipe="fine-tune", epochs=1, unfreeze_epochs=1, views=1, learning_rate=1e-2)
    others = [i for i in range(len(faces.names)) if i not in at]
    data = training.TrainingData(
        faces.crops[at], [faces.names[i] for i in at], faces.photos[at], stranger_crops=faces.crops[others],
        stranger_ids=np.array(others) + 100,
    )  # fmt: skip
    trained = training.train(data, options=options)
    assert trained.report.kept == "network" and [row["epoch"] for row in trained.report.history] == [0, 1, 2]
    assert [each["recipe"] for each in trained.report.compared] == ["imprinted", "head", "network"]
    # Whoever is erased later must be found among the strangers whose vectors it holds.
    strange = trained.model.cohort.faces[trained.model.cohort.classes < 0]
    assert len(strange) and set(strange.tolist()) <= {i + 100 for i in others}
    loaded = Recogniser.load(model_files.write(trained.model, tmp_path), settings=SETTINGS)
    exact = make_embedder(SETTINGS.model_copy(update={"precision": "exact"}))
    served, published = loaded.embedder.embed(faces.crops[at]), exact.embed(faces.crops[at])
    assert np.abs(served - published).max() > 1e-4
    best = openset.cosines(served, trained.model.tensors["rows"]).argmax(1)
    assert (np.array(loaded.classes)[best] == np.array(faces.names)[at]).mean() >= 0.9
    assert np.isfinite([trained.model.calibration.slope, trained.model.calibration.threshold_cosine]).all()
    assert isinstance(trained.model.calibration, Calibration)


# --- words ------------------------------------------------------------------------------------------------------
def face(name: str | None, left: float = 0.0) -> Recognised:
    return Recognised(Box(left, 0, left + 9.55, 9), name, 0.98765, (Guess("Bob", 0.01),), 1.5)


def test_json_shape() -> None:
    assert face("Ann").as_dict() == {
        "box": [0.0, 0, 9.6, 9],
        "status": "known",
        "person_id": None,
        "name": "Ann",
        "probability": 0.9877,
        "score": 1.5,
        "runners_up": [{"name": "Bob", "probability": 0.01}],
    }
    nobody = json.loads(json.dumps(face(None).as_dict()))
    assert (nobody["name"], nobody["status"]) == (None, "unknown")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "No face was found."),
        (["Ann"], "Ann"),
        (["Ann", None], "Ann and 1 unknown person"),
        (["Ann", "Bob", None, None], "Ann, Bob and 2 unknown people"),
        ([None], "1 unknown person"),
    ],
)
def test_summary_in_words(names: list[str | None], words: str) -> None:
    assert summary([face(name) for name in names]) == words
