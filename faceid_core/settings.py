"""Settings: environment variables with the prefix FACEID_, units in the names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from faceid_core.errors import InvalidSetting

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "rocm": "ROCMExecutionProvider",
}
"""Short names of ONNX Runtime's execution providers; any other is given by its full name."""


class Settings(BaseSettings):
    """Everything a user may set. `Settings(library=...)` overrides the environment."""

    model_config = SettingsConfigDict(env_prefix="FACEID_", env_ignore_empty=True, extra="ignore")

    library: Path = Field(Path("data"), description="Folder of the library")
    database_url: str | None = Field(None, description="SQLAlchemy URL; default: faceid.db in the library's folder")

    detector: str = Field("mmod", description="A name in detection.DETECTORS")
    embedder: str = Field("dlib-resnet", description="A name in embedding.EMBEDDERS")
    clusterer: str = Field("density-linkage", description="A name in clustering.CLUSTERERS")
    projector: str = Field("umap", description="A name in projection.PROJECTORS")

    mirror: bool = Field(True, description="Average the embeddings of a face and of its mirror image")
    precision: Literal["auto", "exact"] = Field(
        "auto", description="auto: faces are embedded in bfloat16 where the processor is much faster at it"
    )
    detection_side_px: int = Field(
        1600, ge=160, description="Photos are searched at most at this length of the longer side"
    )
    max_megapixels: float = Field(150.0, gt=0, description="Larger photos are refused before decoding")
    decode_megapixels: float | None = Field(
        None, gt=0, description="Megapixels that the web app decodes at once; default: by the machine's memory"
    )
    max_photo_seconds: float = Field(
        60.0, gt=0, description="An import gives up a photo that takes a worker longer than this"
    )
    video_seconds: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="An import looks at a picture of a video every so many seconds; 0: videos are left alone",
    )
    # NoDecode: a list from the environment comes to the validator as it is, so that commas will do.
    providers: Annotated[list[str], NoDecode] = Field(
        ["CPUExecutionProvider"], description="ONNX Runtime execution providers, best first"
    )
    workers: int = Field(0, ge=0, description="Import processes; 0 means one per core")

    host: str = Field("127.0.0.1", description="Address that the web app listens on")
    port: int = Field(8501, ge=0, le=65535, description="Port that the web app listens on; 0 means any free one")
    public_url: str | None = Field(
        None, pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$", description="Address that people use, behind a proxy"
    )
    max_upload_mb: int = Field(200, ge=1, description="Largest file that may be uploaded in the browser")

    @field_validator("library", mode="before")
    @classmethod
    def _folder(cls, value: object) -> object:
        """An empty name would mean the current folder, which nobody intends; ~ is the home folder everywhere."""
        if value == "":
            raise ValueError("it should name a folder")
        if not isinstance(value, str | Path):
            return value
        try:
            return Path(value).expanduser()
        except RuntimeError as error:
            raise ValueError("it names a home folder that does not exist") from error

    @field_validator("providers", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """One name, or several with commas between; a JSON list, too. Short names become ONNX Runtime's."""
        if isinstance(value, list):
            return [PROVIDERS.get(name.lower(), name) if isinstance(name, str) else name for name in value]
        if not isinstance(value, str):
            return value
        names = [name for part in value.split(",") if (name := part.strip(" \"'[]"))]
        if not names:
            raise ValueError("it should name at least one provider")
        return [PROVIDERS.get(name.lower(), name) for name in names]

    @property
    def worker_count(self) -> int:
        """Import processes to start, at least 1: as set, else one for each core that we may use."""
        return self.workers or usable_cores()

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{(self.library / 'faceid.db').resolve()}"

    @property
    def engine_folder(self) -> Path:
        return self.library / "engine"

    @property
    def models_folder(self) -> Path:
        return self.library / "models"

    @property
    def graphs_folder(self) -> Path:
        return self.library / "graphs"

    @property
    def uploads_folder(self) -> Path:
        return self.library / "uploads"

    @property
    def album_folder(self) -> Path:
        return self.library / "sample-album"


def load(**overrides: Any) -> Settings:
    """The settings of the environment, except for the overrides that are not None. Raises InvalidSetting."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        reason = (
            wrong["msg"].removeprefix("Value error, ").replace("Input should", "it should").split(", unable")[0]
        )
        raise InvalidSetting(
            f"The setting FACEID_{str(wrong['loc'][0]).upper()} can't be {wrong['input']!r}: {reason}; "
            "correct it or unset it."
        ) from error


def usable_cores() -> int:
    """Cores that this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
