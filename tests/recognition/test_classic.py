"""ResNet-34 beside the imprint, from a file of weights; nothing is downloaded, and no file can execute anything."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from faceid_core.errors import JobCancelled, TrainerMissing
from faceid_core.recognition import classic, training
from faceid_core.recognition.scoring import FaceSet
from faceid_core.recognition.training import TrainOptions
from tests.faces import Faces, no_network

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as torchvision's, with random weights."""
    from torchvision.models import resnet34

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / classic.WEIGHTS_NAME
    torch.save(resnet34(weights=None).state_dict(), file)
    return file


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """torchvision's cache, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert torch.hub.get_dir() == str(tmp_path / "hub")
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.slow
def test_it_stands_beside_the_imprint_on_the_same_faces(drawn_faces: Faces, weights: Path) -> None:
    ticks: list[int] = []
    crops, names = drawn_faces.crops[:12], ["Ann", "Bob", "Cy"] * 4
    vectors = np.random.default_rng(0).normal(2, 1, (15, 128)).astype(np.float32)
    data = training.TrainingData(
        crops, names, np.arange(12), vectors=vectors[:12], strangers=FaceSet.strangers(vectors[12:]),
        stranger_crops=drawn_faces.crops[12:15],
    )  # fmt: skip
    trained = training.train(
        data,
        options=TrainOptions(recipe="classic", epochs=1, weights=str(weights)),
        space=training.Space(network=no_network),
        progress=lambda done, total, message="": ticks.append(done),
    )
    assert trained.report.kept == "imprinted" and set(trained.model.tensors) == {"rows"}, "it is only compared"
    assert [each["recipe"] for each in trained.report.compared] == ["imprinted", "classic"]
    assert all(0 <= float(each["accuracy"]) <= 1 for each in trained.report.compared)
    assert len(ticks) > 4 and ticks == sorted(ticks)


@pytest.mark.slow
def test_it_can_be_cancelled(drawn_faces: Faces, weights: Path) -> None:
    def stop(message: str) -> None:
        raise JobCancelled("enough")

    pictures = classic.Pictures(
        drawn_faces.crops[:8], np.arange(8) % 2, np.arange(8) % 4 == 0, drawn_faces.crops[:0]
    )
    with pytest.raises(JobCancelled):
        classic.fit(pictures, weights, epochs=1, seed=0, tick=stop)


def test_without_weights_one_sentence_says_what_to_do(no_cache: Path, tmp_path: Path) -> None:
    for given in (None, tmp_path / "missing.pth"):
        with pytest.raises(TrainerMissing, match="downloads nothing, so put torchvision's resnet34"):
            classic.weights_file(given)
    no_cache.mkdir(parents=True)
    (no_cache / classic.WEIGHTS_NAME).write_bytes(b"")
    assert classic.weights_file() == no_cache / classic.WEIGHTS_NAME


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path("/tmp").joinpath, ("evil",))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["empty", "text", "pickle", "another network", "tensors", "safetensors"])
def test_a_foreign_file_is_refused_and_not_executed(kind: str, tmp_path: Path) -> None:
    file = tmp_path / ("w.safetensors" if kind == "safetensors" else "w.pth")
    if kind == "another network":
        torch.save({"fc.weight": torch.zeros(2, 2)}, file)
    elif kind == "tensors":
        torch.save([torch.zeros(2)], file)
    elif kind == "pickle":
        file.write_bytes(pickle.dumps(Evil()))
    else:
        file.write_bytes(b"" if kind == "empty" else b"no weights at all")
    with pytest.raises(TrainerMissing, match="damaged or belongs to another network"):
        classic._network(file)
