"""The face network in PyTorch computes what ONNX Runtime and dlib compute, and goes back to a graph."""

from pathlib import Path

import dlib
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from faceid_core.engine import graphs, sessions  # noqa: E402
from faceid_core.engine.dlib_format import ResNetWeights, resnet_weights  # noqa: E402
from faceid_core.engine.torch_net import FaceNet, as_tensor, to_resnet_weights  # noqa: E402
from faceid_core.engine.weights import weights_path  # noqa: E402
from faceid_core.recognition.augment import augment  # noqa: E402
from faceid_core.settings import Settings  # noqa: E402


@pytest.fixture(scope="module")
def weights() -> ResNetWeights:
    return resnet_weights(weights_path("resnet"))


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """Noise, smooth gradients and flat black, white: (4, 150, 150, 3)."""
    rng = np.random.default_rng(0)
    ramp = np.broadcast_to(np.linspace(0, 255, 150)[:, None], (150, 150, 3))
    flat = [np.zeros((150, 150, 3)), np.full((150, 150, 3), 255)]
    return np.stack([rng.integers(0, 256, (150, 150, 3)), ramp, *flat]).astype(np.uint8)


def vectors(net: FaceNet, crops: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(net(as_tensor(crops)))


def on_runtime(weights: ResNetWeights, crops: np.ndarray) -> np.ndarray:
    graph = graphs.embedder_graph(weights).SerializeToString()
    return np.asarray(sessions.load(graph, Settings(library=Path("unused"))).run(None, {"crops": crops})[0])


@pytest.mark.slow
def test_equals_onnx_and_dlib(weights: ResNetWeights, crops: np.ndarray) -> None:
    ours = vectors(FaceNet(weights).eval(), crops)
    reference = dlib.face_recognition_model_v1(str(weights_path("resnet")))
    theirs = np.array([reference.compute_face_descriptor(crop) for crop in crops])
    assert np.abs(ours - on_runtime(weights, crops)).max() <= 1e-5
    assert np.abs(ours - theirs).max() <= 1e-5


def test_changed_network_goes_back_to_a_graph(weights: ResNetWeights, crops: np.ndarray) -> None:
    net = FaceNet(weights).eval()
    before = vectors(net, crops)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(1.01)
    after = vectors(net, crops)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(on_runtime(to_resnet_weights(net), crops), after, atol=2e-5)


def test_lower_and_upper_are_the_whole(weights: ResNetWeights, crops: np.ndarray) -> None:
    net = FaceNet(weights).eval()
    with torch.no_grad():
        maps = net.lower(as_tensor(crops))
        assert maps.shape == (4, 128, 8, 8)
        np.testing.assert_array_equal(net.upper(maps).numpy(), vectors(net, crops))


def test_augmentation_is_light_and_repeatable(crops: np.ndarray) -> None:
    once, again = (augment(crops, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert once.shape == crops.shape and once.dtype == np.uint8
    assert (once[1] != crops[1]).any()
    assert abs(float(once[1].mean()) - float(crops[1].mean())) < 60
    assert augment(crops[:0], np.random.default_rng(0)).shape == (0, 150, 150, 3)
