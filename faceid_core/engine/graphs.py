"""The two networks as ONNX graphs. Pixel normalisation and affine layers are folded into the kernels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.engine.dlib_format import (
    RESNET_DOWN,
    RESNET_FILTERS,
    Array,
    Convolution,
    MmodWeights,
    ResNetWeights,
    Stage,
)

if TYPE_CHECKING:
    import onnx

VERSION = 2
"""Raise it when a graph changes: cached graphs of another version are made again."""

OPSET = 17
CROP_PX = 150
"""Side of the aligned face that the embedder takes."""


def fold(stage: Stage) -> Convolution:
    """The convolution that does what convolution and affine layer do one after the other."""
    conv, affine = stage.convolution, stage.affine
    return Convolution(
        conv.kernel * affine.scale[:, None, None, None],
        conv.bias * affine.scale + affine.shift,
        conv.stride,
        conv.padding,
    )


def fold_mean(conv: Convolution, mean: Array) -> Convolution:
    """The convolution that takes pixels 0 to 255 where `conv` takes (pixel - mean) / 256, dlib's normalisation.

    Exact only without padding, which the first convolutions of both networks have none of.
    """
    kernel = conv.kernel / np.float32(256)
    shift = np.einsum("oihw,i->o", kernel.astype(np.float64), mean.astype(np.float64))
    return Convolution(kernel, (conv.bias - shift).astype(np.float32), conv.stride, conv.padding)


@dataclass
class Graph:
    """Collects nodes and constants; each method adds a node and returns the name of its output."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    domains: tuple[str, ...] = ()

    def constant(self, value: np.ndarray | np.generic) -> str:
        """Add a constant and return the name of its value."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        """Add a node, its inputs by name, and return the name of its output."""
        from onnx import helper

        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def pixels(self, images: str) -> str:
        """(N, H, W, 3) uint8 -> (N, 3, H, W) float32, 0 to 255."""
        from onnx import TensorProto

        return self.node("Cast", self.node("Transpose", images, perm=[0, 3, 1, 2]), to=int(TensorProto.FLOAT))

    def convolution(self, value: str, conv: Convolution) -> str:
        """Add a convolution of `value`, (N, C, H, W) float32, and return the name of its output."""
        return self.node(
            "Conv",
            value,
            self.constant(conv.kernel),
            self.constant(conv.bias),
            kernel_shape=list(conv.kernel.shape[2:]),
            strides=[conv.stride] * 2,
            pads=[conv.padding] * 4,
        )

    def padded(self, value: str, *, channels: int = 0, side: int = 0) -> str:
        """Zeros behind the last channel, and at the right and bottom."""
        if not channels and not side:
            return value
        pads = np.array([0, 0, 0, 0, 0, channels, side, side], np.int64)
        return self.node("Pad", value, self.constant(pads))

    def model(self, inputs: list[object], outputs: list[object]) -> onnx.ModelProto:
        """The finished graph as a model that ONNX's checker accepts."""
        from onnx import checker, helper

        graph = helper.make_graph(self.nodes, "faceid", inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(domain, 1) for domain in self.domains)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        checker.check_model(model)
        return model


def embedder_graph(weights: ResNetWeights) -> onnx.ModelProto:
    """crops (N, 150, 150, 3) uint8 RGB -> vectors (N, 128) float32, the space of dlib's face recognition model."""
    graph = Graph()
    embedded(graph, "crops", weights, output="vectors")
    return graph.model([crops_input()], [float_output("vectors", weights.fc.shape[1])])


def crops_input() -> onnx.ValueInfoProto:
    """The input crops (N, 150, 150, 3) uint8."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info("crops", TensorProto.UINT8, ["N", CROP_PX, CROP_PX, 3])


def float_output(name: str, width: int) -> onnx.ValueInfoProto:
    """An input or output (N, width) float32."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])


def embedded(graph: Graph, crops: str, weights: ResNetWeights, *, output: str | None = None) -> str:
    """Add the face network behind `crops`, and return the name of its vectors."""
    stem = fold_mean(fold(weights.stages[0]), weights.mean)
    value = graph.node("Relu", graph.convolution(graph.pixels(crops), stem))
    value = graph.node("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2])
    side = ((CROP_PX - 7) // 2 + 1 - 3) // 2 + 1
    channels = RESNET_FILTERS[0]
    for block, filters in enumerate(RESNET_FILTERS):
        first, second = weights.stages[1 + 2 * block], weights.stages[2 + 2 * block]
        inner = graph.node("Relu", graph.convolution(value, fold(first)))
        inner = graph.convolution(inner, fold(second))
        if block in RESNET_DOWN:
            # The shortcut halves by averaging; dlib adds tensors of different shape as if padded with zeros.
            shorter, side = (side - 3) // 2 + 1, side // 2
            value = graph.node("AveragePool", value, kernel_shape=[2, 2], strides=[2, 2])
            value = graph.padded(value, channels=filters - channels)
            inner = graph.padded(inner, side=side - shorter)
            channels = filters
        value = graph.node("Relu", graph.node("Add", inner, value))
    value = graph.node("Flatten", graph.node("GlobalAveragePool", value))
    return graph.node("MatMul", value, graph.constant(weights.fc), output=output)


def detector_graph(weights: MmodWeights) -> onnx.ModelProto:
    """images (N, H, W, 3) uint8 RGB -> scores (N, h, w) float32: one window each 8 pixels, above 0 is a face."""
    from onnx import TensorProto, helper

    graph = Graph()
    stages = [fold(stage) for stage in weights.stages]
    stages[0] = fold_mean(stages[0], weights.mean)
    value = graph.pixels("images")
    for stage in stages:
        value = graph.node("Relu", graph.convolution(value, stage))
    value = graph.convolution(value, weights.score)
    graph.node("Squeeze", value, graph.constant(np.array([1], np.int64)), output="scores")
    return graph.model(
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "H", "W", 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", "h", "w"])],
    )
