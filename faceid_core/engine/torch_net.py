"""The embedder in PyTorch: the same network with the same numbers, so that it can be trained further.

The affine layers are folded into the convolutions, as in the ONNX graph: one tensor less a layer to train, and a
third faster on a CPU. Imports torch when it is imported, so only the training imports it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from faceid_core.engine.dlib_format import (
    RESNET_DOWN,
    RESNET_FILTERS,
    Affine,
    Array,
    Convolution,
    ResNetWeights,
    Stage,
)
from faceid_core.engine.graphs import fold
from faceid_core.values import Image

UPPER_BLOCK = 10
"""First residual block of `upper`: the last level, 256 filters."""


def _conv(source: Stage) -> nn.Conv2d:
    folded = fold(source)
    filters, channels, rows, _ = folded.kernel.shape
    layer = nn.Conv2d(channels, filters, rows, stride=folded.stride, padding=folded.padding)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(folded.kernel))
        assert layer.bias is not None
        layer.bias.copy_(torch.from_numpy(folded.bias))
    return layer


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut. A block that halves the image averages the shortcut (2x2).

    dlib adds tensors of different shapes as if the smaller one were padded with zeros behind its last channel,
    row and column.
    """

    def __init__(self, first: Stage, second: Stage, *, down: bool) -> None:
        super().__init__()
        self.first, self.second, self.down = _conv(first), _conv(second), down

    def forward(self, value: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) -> (N, C2, h2, w2), half as high and wide where the block goes down."""
        inner = self.second(functional.relu(self.first(value)))
        if self.down:
            value = functional.avg_pool2d(value, 2)
            value = functional.pad(value, (0, 0, 0, 0, 0, inner.shape[1] - value.shape[1]))
            rows, columns = value.shape[2] - inner.shape[2], value.shape[3] - inner.shape[3]
            inner = functional.pad(inner, (0, columns, 0, rows))
        return functional.relu(inner + value)


class Stem(nn.Module):
    """Normalisation, the 7x7 convolution and the max pool."""

    mean: Tensor

    def __init__(self, mean: Array, first: Stage) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean.copy()).view(1, 3, 1, 1))
        self.conv = _conv(first)

    def forward(self, crops: Tensor) -> Tensor:
        """Crops (N, 3, 150, 150) float32, 0 to 255 -> feature maps (N, C, h, w)."""
        return functional.max_pool2d(functional.relu(self.conv((crops - self.mean) / 256)), 3, 2)


class Pooled(nn.Module):
    """The average over all places, then the linear layer without bias: (N, 256, h, w) -> (N, 128)."""

    def __init__(self, fc: Array) -> None:
        super().__init__()
        self.fc = nn.Parameter(torch.from_numpy(fc.copy()))

    def forward(self, value: Tensor) -> Tensor:
        """Feature maps (N, 256, h, w) -> vectors (N, 128) float32."""
        return value.mean((2, 3)) @ self.fc


class FaceNet(nn.Module):
    """crops (N, 3, 150, 150) float, RGB 0 to 255 -> vectors (N, 128): dlib's anet_type (dnn_face_recognition_ex).

    lower: everything up to the maps (N, 128, 8, 8) that enter the last level; upper: from there to the vector.
    """

    def __init__(self, weights: ResNetWeights) -> None:
        super().__init__()
        blocks = [
            Block(weights.stages[1 + 2 * at], weights.stages[2 + 2 * at], down=at in RESNET_DOWN)
            for at in range(len(RESNET_FILTERS))
        ]
        self.lower = nn.Sequential(Stem(weights.mean, weights.stages[0]), *blocks[:UPPER_BLOCK])
        self.upper = nn.Sequential(*blocks[UPPER_BLOCK:], Pooled(weights.fc))

    def forward(self, crops: Tensor) -> Tensor:
        """Crops (N, 3, 150, 150) float32, 0 to 255 -> vectors (N, 128) float32."""
        vectors: Tensor = self.upper(self.lower(crops))
        return vectors


def as_tensor(crops: Image) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32, 0 to 255."""
    return torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float()


def to_resnet_weights(net: FaceNet) -> ResNetWeights:
    """The network's present numbers for `graphs.embedder_graph`; the folded affine layers become identities."""
    stem, *lower = net.lower
    *upper, pooled = net.upper
    convs = [stem.conv, *(conv for block in (*lower, *upper) for conv in (block.first, block.second))]
    stages = tuple(_stage(conv) for conv in convs)
    return ResNetWeights(_numpy(stem.mean).ravel(), stages, _numpy(pooled.fc))


def _stage(conv: nn.Conv2d) -> Stage:
    assert conv.bias is not None and isinstance(conv.padding, tuple)
    filters = conv.out_channels
    kernel = Convolution(_numpy(conv.weight), _numpy(conv.bias), conv.stride[0], conv.padding[0])
    return Stage(kernel, Affine(np.ones(filters, np.float32), np.zeros(filters, np.float32)))


def _numpy(tensor: Tensor) -> Array:
    return np.array(tensor.detach().cpu().float().numpy())
