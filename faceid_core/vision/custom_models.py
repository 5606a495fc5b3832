"""Bring your own networks: the library's models.toml names ONNX files that find faces or tell people apart.

    [detectors.scrfd]                  # FACEID_DETECTOR=scrfd
    file = "scrfd_2.5g_bnkps.onnx"     # beside models.toml, or an absolute path
    sha256 = "..."                     # of the file: nothing else is ever loaded
    kind = "scrfd"                     # or "yunet"
    input_px = 640
    mean = 127.5                       # the network gets (pixel - mean) / std
    std = 128.0
    colour = "RGB"                     # or "BGR"
    threshold = 0.5                    # score from which a box is a face

    [embedders.arcface]                # FACEID_EMBEDDER=arcface
    file = "w600k_r50.onnx"
    sha256 = "..."
    input_px = 112
    mean = 127.5
    std = 127.5
    dimension = 512
    threshold = 1.1                    # distance of unit vectors below which two faces are of one person

An embedder's full name ends in the start of its file's hash, so that vectors of different files never mix.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceid_core.engine import sessions
from faceid_core.errors import CustomModelUnusable
from faceid_core.settings import Settings

if TYPE_CHECKING:
    import onnxruntime

    from faceid_core.values import Image

FILE = "models.toml"

Name = Literal["detectors", "embedders"]


class Network(BaseModel):
    """What both kinds of entries have."""

    model_config = ConfigDict(extra="forbid")

    file: Path
    sha256: str = Field(pattern="^[0-9a-fA-F]{64}$")
    input_px: int = Field(ge=16, le=4096)
    mean: float = 127.5
    std: float = Field(127.5, gt=0)
    colour: Literal["RGB", "BGR"] = "RGB"

    def tensor(self, images: Image) -> npt.NDArray[np.float32]:
        """(N, H, W, 3) uint8 RGB -> (N, 3, H, W) float32 as the network wants it."""
        ordered = images if self.colour == "RGB" else images[..., ::-1]
        values = (ordered.astype(np.float32) - np.float32(self.mean)) / np.float32(self.std)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


class DetectorEntry(Network):
    """A detector in models.toml. threshold: lowest score; nms_iou: two boxes that share more are one."""

    kind: Literal["scrfd", "yunet"]
    threshold: float = Field(0.5, gt=0, lt=1)
    nms_iou: float = Field(0.4, gt=0, lt=1)


class EmbedderEntry(Network):
    """An embedder in models.toml. threshold: below this distance two faces are usually one person."""

    dimension: int = Field(ge=2, le=8192)
    threshold: float = Field(gt=0, le=2)

    def full_name(self, name: str) -> str:
        """What its vectors are called, but for the mirror: with the start of the file's hash."""
        return f"{name}-{self.sha256[:8].lower()}"


class _Entries(BaseModel):
    model_config = ConfigDict(extra="forbid")

    detectors: dict[str, DetectorEntry] = {}
    embedders: dict[str, EmbedderEntry] = {}


def entries(settings: Settings) -> _Entries:
    """What models.toml names; nothing where there is no such file. Raises CustomModelUnusable."""
    path = settings.library / FILE
    if not path.is_file():
        return _Entries()
    try:
        return _Entries.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CustomModelUnusable(f"{path} is not valid TOML ({error}); correct it or remove it.") from error
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise CustomModelUnusable(f"{path}: {where}: {wrong['msg'].lower()}; correct it or remove it.") from error


def names(kind: Name, settings: Settings) -> list[str]:
    """The names of the library's own detectors or embedders."""
    return list(getattr(entries(settings), kind))


def session(entry: Network, settings: Settings, *, threads: int | None) -> onnxruntime.InferenceSession:
    """The network of an entry, once its file's hash has been checked. Raises CustomModelUnusable, EngineError."""
    path = settings.library / entry.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CustomModelUnusable(
            f"The network {path} can't be read ({error.strerror}); correct the file in {FILE}."
        ) from error
    if hashlib.sha256(content).hexdigest() != entry.sha256.lower():
        raise CustomModelUnusable(
            f"The network {path} is not the one that {FILE} describes; correct file or sha256."
        )
    try:
        return sessions.load(content, settings, threads=threads)
    except (RuntimeError, ValueError) as error:  # ONNX Runtime's exceptions are of both kinds
        raise CustomModelUnusable(f"The network {path} is not a usable ONNX file; download it again.") from error
    except Exception as error:
        if type(error).__module__.startswith("onnxruntime"):
            raise CustomModelUnusable(
                f"The network {path} is not a usable ONNX file; download it again."
            ) from error
        raise


def run(network: onnxruntime.InferenceSession, images: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
    """The outputs by name. Raises CustomModelUnusable where the network does not take such images."""
    try:
        outputs = network.run(None, {network.get_inputs()[0].name: images})
    except Exception as error:
        size = "x".join(map(str, images.shape[1:]))
        raise CustomModelUnusable(f"A custom model does not take {size} images; correct {FILE}.") from error
    return {output.name: np.asarray(value) for output, value in zip(network.get_outputs(), outputs, strict=True)}
