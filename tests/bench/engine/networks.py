"""The two networks beside dlib's own."""

from __future__ import annotations

from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceid_core.engine import bfloat16, sessions
from faceid_core.engine.weights import weights_path
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.values import DetectedFace, Image, Vectors
from faceid_core.vision.alignment import align
from faceid_core.vision.detection import DETECTORS, make_detector
from faceid_core.vision.embedder import Embedder
from faceid_core.vision.embedding import make_embedder
from tests.bench.engine.common import Work, fastest, group_photos, pixels_of, precisions, seconds, table

if TYPE_CHECKING:
    import onnxruntime

SIDE = 1024


def bench_embedding(data: Path, settings: Settings) -> None:
    """face_encodings as its users call it (68 landmarks, one crop at a time) and dlib's network alone, beside all
    faces at once, which takes no longer than one of theirs."""
    import dlib
    import face_recognition

    detector = make_detector(settings, threads=1)
    photos = [pixels_of(path) for path in group_photos(data, 8)]
    found = [(photo, face) for photo in photos for face in detector.detect(photo)][:16]
    css = [tuple(round(face.box.as_tuple()[at]) for at in (1, 2, 3, 0)) for _, face in found]
    crops = np.stack([align(photo, face.landmarks) for photo, face in found])
    network = dlib.face_recognition_model_v1(str(weights_path("resnet")))
    works: dict[str, list[Work]] = {
        "face_recognition.face_encodings": [
            partial(face_recognition.face_encodings, photo, [box])
            for (photo, _), box in zip(found, css, strict=True)
        ],
        "dlib network alone": [partial(network.compute_face_descriptor, crop) for crop in crops],
    }
    for own, mirror in product(precisions(settings), (False, True)):
        embedder = make_embedder(own.model_copy(update={"mirror": mirror}), threads=1)
        what = f"{'with mirror' if mirror else 'one vector a face'}, {embedder.computes}"
        works[f"ours: align and embed, {what}"] = [partial(_align_and_embed, embedder, found)]
        works[f"ours: network alone, {what}"] = [partial(embedder.embed, crops)]
    spent = fastest(works, 15)
    theirs = next(iter(spent.values()))
    rows = [(name, len(found) / each, theirs / each) for name, each in spent.items()]
    table(f"Embedding, {len(found)} faces, one core", ("", "faces/s", "ratio"), rows)


def _align_and_embed(embedder: Embedder, found: list[tuple[Image, DetectedFace]]) -> Vectors:
    return embedder.embed(np.stack([align(photo, face.landmarks) for photo, face in found]))


def bench_detection(data: Path, settings: Settings) -> None:
    """dlib's CNN detector on the very pixels that ours searches, plainly and in two stages."""
    photos = [images.thumbnail(pixels_of(path), 800) for path in group_photos(data, 3)]
    times: dict[str, float] = {}
    found: dict[str, int] = {}
    for name in ("dlib-cnn", "mmod-plain", "mmod"):
        detector = DETECTORS[name](settings, threads=1)
        found[name] = sum(len(_search(detector, photo)) for photo in photos)
        repeat = 1 if name == "dlib-cnn" else 3
        times[name] = sum(seconds(partial(_search, detector, photo), repeat) for photo in photos)
    rows = [(name, found[name], spent, times["dlib-cnn"] / spent) for name, spent in times.items()]
    table(f"Detection, {len(photos)} photos of 800 px, one core", ("", "faces", "CPU s", "ratio"), rows)


def _search(detector: Any, photo: Image) -> list[object]:
    """What the detector finds, without its landmarks."""
    return list(detector.search(photo))


def bench_limit(data: Path, settings: Settings) -> None:
    """How much of what a core can multiply the networks use: beside a product of two large matrices."""
    crops = np.random.default_rng(0).integers(0, 256, (16, 150, 150, 3), np.uint8)
    canvas = np.random.default_rng(0).integers(0, 256, (1, 1600, 1024, 3), np.uint8)
    overview = np.random.default_rng(0).integers(0, 256, (1, 352, 512, 3), np.uint8)
    runs = [("resnet", "float", crops), ("centerface", "float", overview)]
    runs += [("mmod", "float", canvas), ("mmod-int8", "int8", canvas)]
    in_half = bfloat16.network("resnet", settings, threads=1)
    if in_half:
        runs.append(("resnet", "bfloat16", crops))
    rows = []
    for name, kind, batch in runs:
        network = in_half if in_half and kind == "bfloat16" else sessions.session(name, settings, threads=1)
        matrices, products = _matrices(kind, settings)
        spent = fastest({"net": [partial(_run, network, batch)], "matrices": [matrices]}, 15)
        # The 8-bit network's own count would include the zeros that make its shapes fit.
        rate, peak = _products(name.removesuffix("-int8"), batch.shape) / spent["net"], products / spent["matrices"]
        rows.append((name, kind, rate / 1e9, peak / 1e9, rate / peak))
    head = ("network", "numbers", "10^9 products/s", "large matrices", "share")
    table("Products a second, one core", head, rows)


def _run(network: onnxruntime.InferenceSession | bfloat16.Half, batch: np.ndarray) -> object:
    if isinstance(network, bfloat16.Half):
        return network.run(batch)
    return network.run(None, {network.get_inputs()[0].name: batch})


def _matrices(kind: str, settings: Settings) -> tuple[Work, int]:
    """Multiplies square matrices of SIDE numbers, and how many products that takes. Several matrices in a row where
    the kind allows it, as turning floats into bfloat16 and back at both ends would count for much."""
    from onnx import TensorProto, helper

    given, made, operator, times = {
        "float": ((TensorProto.FLOAT, TensorProto.FLOAT), TensorProto.FLOAT, "MatMul", 8),
        "bfloat16": ((TensorProto.FLOAT, TensorProto.FLOAT), TensorProto.FLOAT, "MatMul", 8),
        "int8": ((TensorProto.UINT8, TensorProto.INT8), TensorProto.INT32, "MatMulInteger", 1),
    }[kind]
    rng = np.random.default_rng(0)
    values = [rng.integers(0, 60, (SIDE, SIDE)).astype(helper.tensor_dtype_to_np_dtype(each)) for each in given]
    names = ["a", *(f"c{at}" for at in range(times))]
    graph = helper.make_graph(
        [helper.make_node(operator, [one, "b"], [other]) for one, other in pairwise(names)],
        "product",
        [helper.make_tensor_value_info("a", given[0], [SIDE, SIDE])],
        [helper.make_tensor_value_info(names[-1], made, [SIDE, SIDE])],
        [helper.make_tensor("b", given[1], [SIDE, SIDE], values[1].tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    if kind == "bfloat16":
        network = bfloat16.compiled(bfloat16.load_openvino().Core().read_model(model), 1)
    else:
        network = sessions.load(model, settings, threads=1)
    return lambda: _run(network, values[0]), times * SIDE**3


def _products(name: str, shape: tuple[int, ...]) -> int:
    """Multiplications of all convolutions for one batch of that shape."""
    from onnx import shape_inference

    source, make = sessions.NETWORKS[name]
    model = make(weights_path(source))
    for dimension, size in zip(model.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dimension.dim_value = size
    model.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(model).graph
    known = [*inferred.value_info, *inferred.output]
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in known}
    kernels = {constant.name: list(constant.dims) for constant in inferred.initializer}
    convolutions = [node for node in inferred.node if node.op_type == "Conv"]
    return sum(
        int(np.prod(shapes[node.output[0]])) * int(np.prod(kernels[node.input[1]][1:])) for node in convolutions
    )
