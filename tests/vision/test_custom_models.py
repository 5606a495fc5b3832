"""Networks of the user's own: registered by models.toml, checked, run, and kept apart from ours."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from sqlmodel import select

from faceid_core.errors import CustomModelUnusable, NoFaces, UnknownChoice
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.library.store.tables import Face
from faceid_core.media import images
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.steps.cluster import cluster_faces
from faceid_core.vision import custom_models
from faceid_core.vision.custom_embedder import CustomEmbedder, similarity, template
from faceid_core.vision.detection import make_detector
from faceid_core.vision.embedding import make_embedder

SIDE = 160


class Net:
    """Builds a small network node by node."""

    def __init__(self) -> None:
        self.nodes: list[object] = []
        self.constants: list[object] = []

    def constant(self, value: object, kind: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def model(self, side: int, outputs: list[str]) -> ModelProto:
        given = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, side, side])
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "tiny", [given], made, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def brightness(self, stride: int) -> str:
        """(cells, 1): the mean of each cell."""
        cells = self.add("AveragePool", "input", kernel_shape=[stride] * 2, strides=[stride] * 2)
        mean = self.add("ReduceMean", cells, axes=[1], keepdims=1)
        return self.add("Reshape", mean, self.constant([-1, 1], np.int64))


def tiny_embedder() -> ModelProto:
    """The mean colours of the four quarters: (N, 12)."""
    net = Net()
    quarters = net.add("AveragePool", "input", kernel_shape=[56, 56], strides=[56, 56])
    net.add("Flatten", quarters, output="vectors")
    return net.model(112, ["vectors"])


def tiny_scrfd() -> ModelProto:
    """Bright cells of 32 pixels are faces: the first of two anchors, from its corner to one stride behind it."""
    net = Net()
    for stride in (8, 16, 32):
        bright = net.brightness(stride)
        scale = net.constant([[1.0, 0.0]] if stride == 32 else [[0.0, 0.0]])
        net.add("Reshape", net.add("MatMul", bright, scale), net.constant([-1, 1], np.int64), output=f"s{stride}")
        ones = net.add("Exp", net.add("Mul", f"s{stride}", net.constant(0)))
        net.add("MatMul", ones, net.constant([[0.0, 0.0, 1.0, 1.0]]), output=f"b{stride}")
    return net.model(SIDE, [f"{kind}{stride}" for kind in "sb" for stride in (8, 16, 32)])


def tiny_yunet() -> ModelProto:
    """The same faces as YuNet tells them: centre and logarithm of the size."""
    net = Net()
    for stride in (8, 16, 32):
        bright = net.add(
            "Mul", net.brightness(stride), net.constant(1 if stride == 32 else 0), output=f"cls_{stride}"
        )
        ones = net.add("Exp", net.add("Mul", bright, net.constant(0)), output=f"obj_{stride}")
        net.add("MatMul", ones, net.constant([[0.5, 0.5, 0.0, 0.0]]), output=f"bbox_{stride}")
    return net.model(SIDE, [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox") for stride in (8, 16, 32)])


def register(folder: Path, table: str, model: ModelProto, **fields: object) -> None:
    """Write the network and its entry."""
    folder.mkdir(parents=True, exist_ok=True)
    content = model.SerializeToString()
    file = table.replace(".", "-") + ".onnx"
    (folder / file).write_bytes(content)
    fields = {"file": file, "sha256": hashlib.sha256(content).hexdigest(), **fields}
    lines = [f"{name} = {value!r}".replace("'", '"') for name, value in fields.items()]
    with (folder / "models.toml").open("a") as toml:
        toml.write("\n".join([f"[{table}]", *lines, ""]))


def register_embedder(folder: Path, name: str = "tiny", **fields: object) -> None:
    register(folder, f"embedders.{name}", tiny_embedder(),
             **{"input_px": 112, "dimension": 12, "threshold": 0.4, **fields})  # fmt: skip


@pytest.fixture
def settings(engine_settings: Settings, tmp_path: Path) -> Settings:
    return engine_settings.model_copy(update={"library": tmp_path, "embedder": "tiny", "mirror": False})


@pytest.mark.parametrize(("kind", "model"), [("scrfd", tiny_scrfd()), ("yunet", tiny_yunet())])
@pytest.mark.parametrize("size", [(160, 160), (80, 60), (640, 320)])
def test_an_own_detector_finds_its_faces_in_pixels_of_the_photo(
    kind: str, model: ModelProto, size: tuple[int, int], settings: Settings
) -> None:
    register(settings.library, "detectors.mine", model, kind=kind, input_px=SIDE, mean=0.0, std=255.0)
    factor = SIDE / max(size)
    photo = np.zeros((size[1], size[0], 3), np.uint8)
    left, top, right, bottom = (round(edge / factor) for edge in (64, 32, 96, 64))
    photo[top:bottom, left:right] = 255
    detector = make_detector(settings.model_copy(update={"detector": "mine"}))
    (face,) = detector.detect(photo)
    assert face.box.as_tuple() == pytest.approx((left, top, right, bottom))
    assert face.score > 0.95
    assert face.landmarks.shape == (5, 2)
    assert detector.name.startswith("mine-")


def test_a_detector_of_the_other_kind_is_told(settings: Settings) -> None:
    register(settings.library, "detectors.mine", tiny_scrfd(), kind="yunet", input_px=SIDE)
    detector = make_detector(settings.model_copy(update={"detector": "mine"}))
    with pytest.raises(CustomModelUnusable, match="don't match its kind"):
        detector.detect(np.zeros((SIDE, SIDE, 3), np.uint8))


def test_an_own_embedder_normalises_colours_and_length(settings: Settings) -> None:
    register_embedder(settings.library, colour="BGR", mean=100.0, std=50.0)
    embedder = make_embedder(settings)
    crops = np.zeros((1, 112, 112, 3), np.uint8)
    crops[:, :56, :56] = (200, 100, 50)  # the first of the four quarters
    expected = np.full((3, 2, 2), -2.0)
    expected[:, 0, 0] = (-1, 0, 2)  # blue first
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(embedder.embed(crops)[0], expected.ravel(), atol=1e-6)
    assert embedder.embed(crops[:0]).shape == (0, 12)
    assert (embedder.dimension, embedder.size_px, embedder.default_threshold) == (12, 112, 0.4)
    with pytest.raises(ValueError, match="uint8"):
        embedder.embed(np.zeros((1, 150, 150, 3), np.uint8))


def test_with_mirror_a_vector_is_that_of_the_mirror_image_too(settings: Settings) -> None:
    register_embedder(settings.library)
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), np.uint8)
    mirrored = make_embedder(settings.model_copy(update={"mirror": True}))
    np.testing.assert_allclose(mirrored.embed(crops), mirrored.embed(crops[:, :, ::-1]), atol=1e-6)
    assert mirrored.name == make_embedder(settings).name + "+mirror"


@pytest.mark.parametrize("scale", [0.5, 1.0, 9.0])
@pytest.mark.parametrize("degrees", [0, 30, 180])
def test_a_face_is_turned_and_scaled_to_the_template(scale: float, degrees: int, settings: Settings) -> None:
    """A picture that was made from an upright crop by a similarity is brought back to it."""
    import cv2

    register_embedder(settings.library)
    embedder = make_embedder(settings)
    assert isinstance(embedder, CustomEmbedder)
    rng = np.random.default_rng(3)
    crop = cv2.resize(rng.integers(0, 256, (7, 7, 3), np.uint8), (112, 112), interpolation=cv2.INTER_CUBIC)
    side = round(300 * max(scale, 1))
    matrix = cv2.getRotationMatrix2D((56, 56), degrees, scale)
    matrix[:, 2] += side / 2 - 56
    photo = cv2.warpAffine(crop, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
    landmarks = (template() @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    back = embedder.align(photo, landmarks)
    assert np.abs(back.astype(int) - crop)[8:-8, 8:-8].mean() < 4


def test_the_similarity_is_the_best_one_and_stands_rubbish() -> None:
    points = np.random.default_rng(1).normal(size=(5, 2))
    true = np.array([[0.6, -0.8, 3.0], [0.8, 0.6, -2.0]]) * [[2, 2, 1], [2, 2, 1]]
    moved = points @ true[:, :2].T + true[:, 2]
    np.testing.assert_allclose(similarity(points, moved), true, atol=1e-12)
    assert np.isfinite(similarity(np.ones((5, 2)), moved)).all()


@pytest.mark.slow
def test_photos_are_imported_and_grouped_and_vectors_never_mix(settings: Settings, album: Album) -> None:
    register_embedder(settings.library)
    photos = [album.folder / name for name in list(album.photos)[:3]]
    with Library.open(settings) as library:
        report = import_photos(library, photos)
        name = make_embedder(settings).name
        assert len(library.faces.vectors(name).ids) == report.faces > 0
        assert library.faces.vectors(name).vectors.shape == (report.faces, 12)
        assert not len(library.faces.vectors("dlib-resnet").ids)
        assert cluster_faces(library).faces == report.faces


def test_another_file_under_the_same_name_is_another_embedder(settings: Settings) -> None:
    register_embedder(settings.library)
    first = make_embedder(settings).name
    other = tiny_embedder()
    other.doc_string = "another file"
    (settings.library / "models.toml").unlink()
    register(settings.library, "embedders.tiny", other, input_px=112, dimension=12, threshold=0.4)
    assert make_embedder(settings).name != first


def test_names_beside_ours(settings: Settings) -> None:
    assert custom_models.names("embedders", settings) == []
    register_embedder(settings.library)
    assert custom_models.names("embedders", settings) == ["tiny"]
    with pytest.raises(UnknownChoice, match="choose one of dlib-resnet, tiny"):
        make_embedder(settings.model_copy(update={"embedder": "other"}))


WRONG: dict[str, dict[str, Any]] = {
    "is not the one that": {"sha256": "0" * 64},
    "can't be read": {"file": "nowhere.onnx"},
    "numbers, not 7": {"dimension": 7},
    "does not take": {"input_px": 100},
    "embedders.tiny.sha256": {"sha256": "abc"},
    "embedders.tiny.treshold": {"treshold": 0.5},
    "embedders.tiny.std": {"std": 0.0},
    "embedders.tiny.colour": {"colour": "CMYK"},
}


@pytest.mark.parametrize("reason", WRONG)
def test_a_wrong_entry_is_one_sentence(reason: str, settings: Settings) -> None:
    register_embedder(settings.library, **WRONG[reason])
    with pytest.raises(CustomModelUnusable, match=reason) as caught:
        embedder = make_embedder(settings)
        embedder.embed(np.zeros((1, embedder.size_px, embedder.size_px, 3), np.uint8))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_broken_files_are_told(settings: Settings) -> None:
    register_embedder(settings.library)
    rubbish = b"no network"
    (settings.library / "embedders-tiny.onnx").write_bytes(rubbish)
    toml = settings.library / "models.toml"
    entry = custom_models.entries(settings).embedders["tiny"]
    toml.write_text(toml.read_text().replace(entry.sha256, hashlib.sha256(rubbish).hexdigest()))
    with pytest.raises(CustomModelUnusable, match="not a usable ONNX file"):
        make_embedder(settings)
    toml.write_text("[embedders")
    with pytest.raises(CustomModelUnusable, match="not valid TOML"):
        make_embedder(settings)


def test_the_example_of_the_manual_is_valid(settings: Settings) -> None:
    text = (Path(__file__).parents[2] / "docs" / "custom-models.md").read_text()
    example = text.split("```toml")[1].split("```")[0].replace('"..."', f'"{"a" * 64}"')
    (settings.library / "models.toml").write_text(example)
    assert custom_models.names("detectors", settings) == ["scrfd"]
    assert custom_models.names("embedders", settings) == ["arcface"]
    with pytest.raises(CustomModelUnusable, match="can't be read"):
        make_embedder(settings.model_copy(update={"embedder": "arcface"}))


def test_photos_tell_which_own_detector_found_their_faces(settings: Settings, tmp_path: Path) -> None:
    register_embedder(settings.library)
    register(settings.library, "detectors.mine", tiny_scrfd(), kind="scrfd", input_px=SIDE, mean=0.0, std=255.0)
    photo = np.zeros((SIDE, SIDE, 3), np.uint8)
    photo[32:64, 64:96] = 255
    (tmp_path / "square.jpg").write_bytes(images.encode_jpeg(photo))
    with Library.open(settings.model_copy(update={"detector": "mine"})) as library:
        assert import_photos(library, [tmp_path / "square.jpg"]).faces == 1
        with library._database.read() as session:
            (face,) = session.exec(select(Face))
        assert face.detector == make_detector(library.settings).name


def test_faces_that_ours_embedded_stay_out_of_an_own_space(filled: Library) -> None:
    """Their crops hold less of the photo than an own embedder takes."""
    register_embedder(filled.settings.library)
    own = filled.settings.model_copy(update={"embedder": "tiny"})
    with Library.open(own) as library, pytest.raises(NoFaces):
        cluster_faces(library)
