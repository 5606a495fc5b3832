"""The detector's network in 8-bit integers: three times as fast on a CPU, scores within 0.2 of the exact ones.

It only proposes: `cascade` computes the exact scores where it sees a face. Activations are bytes and weights 7
bits (8 would overflow the 16-bit sums of CPUs without VNNI instructions), in the memory order NHWC that the 8-bit
kernels want. There neighbouring columns can be taken for channels at no cost: a strided convolution of 3 channels
becomes one of 12 with half the positions, whose rows are longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from faceid_core.engine.dlib_format import Array, Convolution, MmodWeights
from faceid_core.engine.graphs import Graph, fold, fold_mean

if TYPE_CHECKING:
    import onnx

COLUMNS = 8
"""The canvas must be a multiple of this wide: four columns become one twice, and two of those one."""

RANGES = (5.3, 7.6, 4.9, 4.3, 7.0, 13.0)
"""Largest activation of each stage on photos with faces of all sizes; larger ones are cut off, which can only
happen in the middle of a sure face."""

STEPS = 63
"""Weights are whole steps from -63 to 63: 255 * 63 * 2 stays below 2**15 (see ONNX Runtime, "reduce_range")."""

LANES = 16
"""Channels are padded to a multiple: the width of the matrix kernels."""


def proposal_graph(weights: MmodWeights) -> onnx.ModelProto:
    """images (N, H, W, 3) uint8 RGB with W a multiple of COLUMNS -> scores (N, h, w) as `graphs.detector_graph`."""
    from onnx import TensorProto, helper

    stages = [fold(stage) for stage in weights.stages]
    stages[0] = fold_mean(stages[0], weights.mean)
    graph = _Quantised()
    value = graph.columns_as_channels("images", 12)
    value = graph.quantised(value, _two_outputs_of_four_columns(stages[0]), RANGES[0], strides=(2, 1))
    value = graph.columns_as_channels(value, 2 * len(stages[0].bias))
    value = graph.quantised(value, _two_columns(stages[1]), RANGES[1], strides=(2, 1))
    for stage, most in zip(stages[2:], RANGES[2:], strict=True):
        wide = _wide(stage, outputs=-(-len(stage.bias) // LANES) * LANES, inputs=graph.channels)
        value = graph.quantised(value, wide, most, strides=(stage.stride, stage.stride))
    value = graph.score(value, _wide(weights.score, outputs=1, inputs=graph.channels))
    graph.node("Squeeze", value, graph.constant(np.array([1], np.int64)), output="scores")
    return graph.model(
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "H", "W", 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", "h", "w"])],
    )


class _Quantised(Graph):
    """Adds 8-bit nodes; remembers the scale of the value that was made last and its number of channels."""

    def __init__(self) -> None:
        super().__init__(domains=("com.microsoft",))
        self.scale, self.channels = 1.0, 3
        self._zero = self.constant(np.uint8(0))
        self._scale = self.constant(np.float32(1))

    def columns_as_channels(self, value: str, channels: int) -> str:
        """(N, H, W, C) -> (N, H, W * C / channels, channels): the same bytes in the same order."""
        return self.node("Reshape", value, self.constant(np.array([0, 0, -1, channels], np.int64)))

    def quantised(self, value: str, conv: Convolution, most: float, *, strides: tuple[int, int]) -> str:
        """Convolution and Relu, (N, H, W, C) uint8 to uint8: 0 to `most` in 255 steps, so that 0 is the Relu."""
        steps = np.maximum(np.abs(conv.kernel).max(axis=(1, 2, 3)), 1e-9) / STEPS
        kernel = np.rint(conv.kernel / steps[:, None, None, None]).astype(np.int8)
        bias = np.rint(conv.bias / (steps * self.scale)).astype(np.int32)
        out = self.constant(np.float32(most / 255))
        inputs = (value, self._scale, self._zero, self.constant(kernel), self.constant(steps.astype(np.float32)),
                  self.constant(np.zeros(len(steps), np.int8)), out, self._zero, self.constant(bias))  # fmt: skip
        self.scale, self._scale, self.channels = most / 255, out, len(bias)
        return self.node(
            "QLinearConv",
            *inputs,
            domain="com.microsoft",
            channels_last=1,
            kernel_shape=list(kernel.shape[2:]),
            strides=list(strides),
            pads=[conv.padding] * 4,
        )

    def score(self, value: str, conv: Convolution) -> str:
        """The last convolution, in floats: (N, H, W, C) uint8 -> (N, 1, H, W). With a single output, its transpose
        (kernel turned by 180 degrees) is the same and a matrix product."""
        value = self.node("DequantizeLinear", value, self._scale, self._zero)
        return self.node(
            "ConvTranspose",
            self.node("Transpose", value, perm=[0, 3, 1, 2]),
            self.constant(conv.kernel[0][:, None, ::-1, ::-1]),
            self.constant(conv.bias),
            kernel_shape=list(conv.kernel.shape[2:]),
            pads=[conv.padding] * 4,
        )


def _two_outputs_of_four_columns(conv: Convolution) -> Convolution:
    """The 5x5 convolution with stride 2 as 5x2 on groups of 4 columns: two neighbouring outputs become channels."""
    outputs, inputs, rows, columns = conv.kernel.shape
    kernel = np.zeros((2 * outputs, 4 * inputs, rows, 2), np.float32)
    for second in (0, 1):
        for column in range(columns):
            at = column + 2 * second
            place = kernel[second * outputs : (second + 1) * outputs, at % 4 * inputs : (at % 4 + 1) * inputs]
            place[:, :, :, at // 4] = conv.kernel[:, :, :, column]
    return Convolution(kernel, np.tile(conv.bias, 2), 1, 0)


def _two_columns(conv: Convolution) -> Convolution:
    """The 5x5 convolution with stride 2 as 5x3 on pairs of columns."""
    outputs, inputs, rows, columns = conv.kernel.shape
    kernel = np.zeros((outputs, 2 * inputs, rows, columns // 2 + 1), np.float32)
    for column in range(columns):
        place = kernel[:, column % 2 * inputs : (column % 2 + 1) * inputs]
        place[:, :, :, column // 2] = conv.kernel[:, :, :, column]
    return Convolution(kernel, conv.bias, 1, 0)


def _wide(conv: Convolution, *, outputs: int, inputs: int) -> Convolution:
    """The same with zero channels added."""
    kernel = np.zeros((outputs, inputs, *conv.kernel.shape[2:]), np.float32)
    bias: Array = np.zeros(outputs, np.float32)
    kernel[: len(conv.kernel), : conv.kernel.shape[1]] = conv.kernel
    bias[: len(conv.bias)] = conv.bias
    return Convolution(kernel, bias, conv.stride, conv.padding)
