"""Reader of dlib's serialised networks: just what the two published face networks hold.

dlib writes integers as a byte (sign bit and length) and that many little-endian bytes, floating-point numbers as
two integers (mantissa, exponent of two), strings with their length, tensors as version, shape and raw float32.
Layers come in the order of computation, each with its serialisation tag. Source: dlib/serialize.h,
dlib/dnn/layers.h, dlib/dnn/loss.h (Boost licence), formats of the tags below.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from faceid_core.errors import WeightsUnsupported

Array = npt.NDArray[np.float32]
Parsed = TypeVar("Parsed")

RESNET_FILTERS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
"""Filters of the 14 residual blocks, input first (dlib's dnn_face_recognition_ex: levels 4 to 0)."""

RESNET_DOWN = (3, 7, 10, 13)
"""Blocks that halve the image."""


@dataclass(frozen=True)
class Convolution:
    """kernel (out, in, rows, cols), bias (out,); stride and padding in pixels, alike in both directions."""

    kernel: Array
    bias: Array
    stride: int
    padding: int


@dataclass(frozen=True)
class Affine:
    """y = scale * x + shift per channel; scale and shift are (channels,)."""

    scale: Array
    shift: Array


@dataclass(frozen=True)
class Stage:
    """A convolution and the affine layer that follows it."""

    convolution: Convolution
    affine: Affine


@dataclass(frozen=True)
class ResNetWeights:
    """The embedder. stages: the stem, then two per residual block; fc: (256, 128); mean: RGB, 0 to 255."""

    mean: Array
    stages: tuple[Stage, ...]
    fc: Array


@dataclass(frozen=True)
class MmodWeights:
    """The detector. stages with their (folded) batch normalisation, then the scoring convolution.

    window: (width, height) of the detection window in pixels of a pyramid level.
    nms_iou, nms_covered: two detections are one when IoU, or the covered share of either, is above.
    """

    mean: Array
    stages: tuple[Stage, ...]
    score: Convolution
    window: tuple[int, int]
    nms_iou: float
    nms_covered: float


class _Reader:
    """A cursor over the bytes; every read checks that there is something to read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise WeightsUnsupported("the file ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self) -> int:
        head = self.take(1)[0]
        value = int.from_bytes(self.take(head & 0x0F), "little")
        return -value if head & 0x80 else value

    def real(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        return mantissa * 2.0**exponent

    def tensor(self) -> Array:
        """(samples, channels, rows, columns) float32."""
        if self.integer() != 2:
            raise WeightsUnsupported("a tensor of an unknown version")
        shape = tuple(self.integer() for _ in range(4))
        count = int(np.prod(shape))
        return np.frombuffer(self.take(4 * count), "<f4").reshape(shape).astype(np.float32)

    def alias(self) -> tuple[int, ...]:
        """The shape of a view into a tensor."""
        if self.integer() != 1:
            raise WeightsUnsupported("an alias tensor of an unknown version")
        return tuple(self.integer() for _ in range(4))

    def seek(self, tag: bytes) -> None:
        """Go behind the next occurrence of a tag: between layers lie versions and settings that we don't need."""
        found = self.data.find(bytes([1, len(tag)]) + tag, self.at)
        if found < 0:
            raise WeightsUnsupported(f"there is no layer {tag.decode()} where one must be")
        self.at = found + 2 + len(tag)


def _convolution(reader: _Reader) -> Convolution:
    reader.seek(b"con_4")
    params = reader.tensor().ravel()
    filters, rows, columns = (reader.integer() for _ in range(3))
    strides, paddings = [reader.integer(), reader.integer()], [reader.integer(), reader.integer()]
    shape, _ = reader.alias(), reader.alias()
    kernel = int(np.prod(shape))
    consistent = shape[0] == filters and shape[2:] == (rows, columns) and params.size == kernel + filters
    if not consistent or strides[0] != strides[1] or paddings[0] != paddings[1]:
        raise WeightsUnsupported("a convolution of an unexpected shape")
    return Convolution(params[:kernel].reshape(shape), params[kernel:], strides[0], paddings[0])


def _affine(reader: _Reader) -> Affine:
    reader.seek(b"affine_")
    params = reader.tensor().ravel()
    half = params.size // 2
    return Affine(params[:half], params[half:])


def _batch_norm(reader: _Reader) -> Affine:
    """Folded: gamma * (x - mean) / sqrt(variance + eps) + beta, with the running statistics, as dlib does outside
    of training. The first two statistics in the file are those of the last training batch alone."""
    reader.seek(b"bn_con2")
    params = reader.tensor().ravel()
    reader.alias(), reader.alias()
    _batch_mean, _batch_inverse_std = reader.tensor(), reader.tensor()
    mean, variance = reader.tensor().ravel(), reader.tensor().ravel()
    _updates, _window = reader.integer(), reader.integer()
    _learning_rates_and_decays = [reader.real() for _ in range(4)]
    inverse_std = 1 / np.sqrt(variance + np.float32(reader.real()))
    gamma, beta = np.split(params, 2)
    return Affine(gamma * inverse_std, beta - gamma * mean * inverse_std)


def _mean(reader: _Reader, tag: bytes) -> Array:
    """The average colour that the input layer subtracts, RGB."""
    reader.seek(tag)
    mean = np.array([reader.real() for _ in range(3)], np.float32)
    if not ((mean > 50) & (mean < 200)).all():
        raise WeightsUnsupported("an input layer with an implausible average colour")
    return mean


def _parse(path: Path, parse: Callable[[_Reader], Parsed]) -> Parsed:
    try:
        return parse(_Reader(path.read_bytes()))
    except (WeightsUnsupported, ValueError, OverflowError, struct.error) as error:
        raise WeightsUnsupported(
            f"{path.name} is not the expected face network ({error}); "
            "reinstall it with `uv pip install --force-reinstall face-recognition-models`."
        ) from error


def resnet_weights(path: Path) -> ResNetWeights:
    """Read the face embedder (29 convolutions). Raises WeightsUnsupported."""
    return _parse(path, _resnet)


def _resnet(reader: _Reader) -> ResNetWeights:
    mean = _mean(reader, b"input_rgb_image_sized")
    stages = tuple(Stage(_convolution(reader), _affine(reader)) for _ in range(1 + 2 * len(RESNET_FILTERS)))
    filters = tuple(stage.convolution.kernel.shape[0] for stage in stages[1::2])
    if filters != RESNET_FILTERS:
        raise WeightsUnsupported("its blocks differ from dlib's face embedder")
    reader.seek(b"fc_2")
    outputs, inputs = reader.integer(), reader.integer()
    return ResNetWeights(mean, stages, reader.tensor().reshape(inputs, outputs))


def mmod_weights(path: Path) -> MmodWeights:
    """Read the face detector (7 convolutions). Raises WeightsUnsupported."""
    return _parse(path, _mmod)


def _mmod(reader: _Reader) -> MmodWeights:
    reader.seek(b"loss_mmod_")
    if reader.integer() != 1:
        raise WeightsUnsupported("detector options of an unknown version")
    window = (reader.integer(), reader.integer())
    _per_false_alarm, _per_missed, _truth_match_iou = reader.real(), reader.real(), reader.real()
    nms_iou, nms_covered = reader.real(), reader.real()
    mean = _mean(reader, b"input_rgb_image_pyramid")
    stages = tuple(Stage(_convolution(reader), _batch_norm(reader)) for _ in range(6))
    return MmodWeights(mean, stages, _convolution(reader), window, nms_iou, nms_covered)
