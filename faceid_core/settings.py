"""Settings, read from environment variables with the prefix FACEID_. Their names include the units."""

from __future__ import annotations

import ipaddress
import os
import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from faceid_core.errors import InvalidSetting
from faceid_core.wording import what_is_wrong

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "rocm": "ROCMExecutionProvider",
}
"""Short names of ONNX Runtime's execution providers. Any other provider needs its full name."""

PREFIX = "FACEID_"

OWN_FOLDERS = ("api", "gradio", "static", "media", "component", "share", "sign-in", "sign-out", "account",
               "_stcore")  # fmt: skip
"""URL paths used by the web app itself."""

DEFAULT_PORT = {"http": ":80", "https": ":443"}

SmallestFace = Literal["fast", "normal", "every"]
"""Which faces the detector centerface looks for; see Settings.smallest_face."""


class Settings(BaseSettings):
    """Everything that a user can configure. `Settings(library=...)` overrides the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore")

    library: Path = Field(Path("data"), description="Folder of the library")
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the database; by default faceid.db in the library's folder"
    )

    detector: str = Field("centerface", description="Face detector")
    smallest_face: SmallestFace = Field(
        "normal",
        description="Smallest faces that the detector centerface looks for: fast: people in the foreground; "
        "normal: groups and crowds as well; every: every visible face, which takes several times as long",
    )
    embedder: str = Field("dlib-resnet", description="Network that tells people apart")
    clusterer: str = Field("density-linkage", description="Algorithm that groups faces")
    projector: str = Field("umap", description="Projection that draws the map")

    mirror: bool = Field(True, description="Average the embeddings of each face and its mirror image")
    precision: Literal["auto", "exact"] = Field(
        "auto",
        description="auto: embed faces in bfloat16 where the processor supports it; exact: always in float32",
    )
    detection_side_px: int = Field(
        1600,
        ge=160,
        description="Faces are detected on photos whose longer side is at most this many pixels",
    )
    max_megapixels: float = Field(150.0, gt=0, description="Larger photos are refused before decoding")
    decode_megapixels: float | None = Field(
        None,
        gt=0,
        description="Megapixels that the web app decodes at once; by default 50 to 200, depending on memory",
    )
    max_photo_seconds: float = Field(
        60.0, gt=0, description="An import skips a photo that takes longer than this many seconds"
    )
    video_seconds: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Videos are sampled at one frame per this many seconds; 0 skips videos",
    )
    # NoDecode passes lists from the environment to the validator undecoded, which allows comma-separated values.
    providers: Annotated[list[str], NoDecode] = Field(
        ["CPUExecutionProvider"], description="ONNX Runtime execution providers, best first"
    )
    engine_cache: Path | None = Field(None, description="Folder of converted networks; by default the user's cache")
    name_lists: Literal["none", "subject", "person-in-image", "both"] = Field(
        "none", description="Lists of plain names that faceid names write fills besides face regions"
    )
    people_keyword: str | None = Field(None, description="Also read names from keywords under this one")
    remote_cache_mb: int = Field(
        2000, ge=1, description="MB of photos in a bucket or on another machine to keep here while in use"
    )
    workers: int = Field(0, ge=0, description="Processes for an import; 0 means one per core")
    executor: Literal["pool", "dask"] = Field(
        "pool", description="Where an import searches photos: in processes on this machine, or on a Dask cluster"
    )
    dask_scheduler: str | None = Field(
        None,
        description="Address of the Dask cluster's scheduler; by default a cluster is started on this machine",
    )

    host: str = Field("127.0.0.1", description="Address that the web app listens on")
    port: int = Field(8501, ge=0, le=65535, description="Port that the web app listens on; 0 means any free one")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s@]+(/[\w.~/-]*)?$",
        description="Address that people use when faceid runs behind a proxy",
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        ["127.0.0.0/8", "::1/128"],
        description="Addresses or networks of proxies whose X-Forwarded headers are believed",
    )
    retention_consent: Literal["keep", "refuse", "erase"] = Field(
        "keep", description="What faceid retention does with people whose consent has ended"
    )
    retention_unnamed_days: int = Field(
        0, ge=0, description="faceid retention erases unnamed faces this many days after import; 0 keeps them"
    )
    retention_ignored_days: int = Field(
        0, ge=0, description="faceid retention erases ignored faces this many days after import; 0 keeps them"
    )
    retention_temporary_days: int = Field(
        0, ge=0, description="faceid retention deletes temporary pictures after this many days; 0 keeps them"
    )
    retention_backup_days: int = Field(
        0, ge=0, description="faceid retention deletes backups after this many days; 0 keeps them"
    )
    retention_backups: int = Field(
        0, ge=0, description="faceid retention keeps only this many backups, the newest; 0 keeps all"
    )
    backups_kept: int = Field(
        14, ge=0, description="The web app makes a backup a day and keeps this many; 0 makes none"
    )
    retention_daily: bool = Field(False, description="The web app's worker applies the retention rules once a day")
    max_upload_mb: int = Field(200, ge=1, description="Largest file that can be uploaded in the browser")
    insecure: bool = Field(
        False, description="Allow a FACEID_HOST that others can reach although nobody has to sign in"
    )
    session_days: int = Field(30, ge=1, le=3650, description="Days without use after which a browser is signed out")

    # A proxy that authenticates users passes the user's name in a header.
    proxy_user_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]+$",
        description="Header in which trusted proxies name the user; ignored from anyone else",
    )
    proxy_newcomers: Literal["viewer", "editor", "owner"] | None = Field(
        None, description="Role for users whom a proxy names but faceid does not know; by default they are refused"
    )

    oidc_issuer: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Address of an OpenID Connect provider to sign in with"
    )
    oidc_client_id: str | None = Field(None, description="faceid's client id at that provider")
    oidc_client_secret: str | None = Field(None, repr=False, description="faceid's client secret at that provider")
    oidc_client_secret_file: Path | None = Field(None, description="File that holds the secret instead")
    oidc_name_claim: str = Field("email", description="Claim of the provider that becomes the user's name")
    oidc_owners: Annotated[list[str] | None, NoDecode] = Field(
        None, description="Names or groups, separated by commas, who become owners"
    )
    oidc_editors: Annotated[list[str] | None, NoDecode] = Field(
        None, description="Names or groups who become editors"
    )
    oidc_viewers: Annotated[list[str] | None, NoDecode] = Field(
        None, description="Names or groups who become viewers"
    )

    @field_validator("library", mode="before")
    @classmethod
    def _folder(cls, value: object) -> object:
        """Reject an empty name, which would mean the current folder, and expand ~ to the home folder."""
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
        """Accept one name, a comma-separated list or a JSON list. Expand short names to ONNX Runtime's."""
        if isinstance(value, list):
            return [PROVIDERS.get(name.lower(), name) if isinstance(name, str) else name for name in value]
        if not isinstance(value, str):
            return value
        names = _parts(value)
        if not names:
            raise ValueError("it should name at least one provider")
        return [PROVIDERS.get(name.lower(), name) for name in names]

    @field_validator("dask_scheduler")
    @classmethod
    def _scheduler(cls, value: str | None) -> str | None:
        """Check the address. An empty one counts as unset."""
        if not value or not value.strip():
            return None
        found = re.fullmatch(r"(tcp|tls|ws|wss)://[^\s/]+:(\d{1,5})", value.strip())
        if found is None or not 0 < int(found[2]) < 2**16:
            raise ValueError("it should be like tcp://host:8786, or tls://host:8786")
        return found[0]

    @field_validator("public_url")
    @classmethod
    def _apart_from_ours(cls, value: str | None) -> str | None:
        """Reject paths that the web app uses: a proxy may strip the path or keep it, so /api would be ambiguous."""
        if value and urlsplit(value).path.strip("/").split("/")[0] in OWN_FOLDERS:
            raise ValueError(f"its path can't begin with {', '.join(OWN_FOLDERS)}, which faceid uses itself")
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        """Accept a comma-separated list of addresses and networks. Normalise each to a network."""
        if isinstance(value, str):
            value = [name for part in value.split(",") if (name := part.strip(" \"'[]"))]
        if not isinstance(value, list):
            return value
        try:
            return [str(ipaddress.ip_network(each, strict=False)) for each in value]
        except ValueError as error:
            raise ValueError("it should list addresses or networks such as 192.0.2.7 or 10.0.0.0/8") from error

    @property
    def public_path(self) -> str:
        """The path of the public address, the prefix of every URL on this server: "" or, for example, /faces."""
        return urlsplit(self.public_url or "").path.rstrip("/")

    @property
    def public_origin(self) -> str | None:
        """The public address without its path, as browsers send it: lower case, without the default port."""
        if self.public_url is None:
            return None
        parts = urlsplit(self.public_url.lower())
        return f"{parts.scheme}://{parts.netloc.removesuffix(DEFAULT_PORT[parts.scheme])}"

    @field_validator("oidc_owners", "oidc_editors", "oidc_viewers", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        """Accept a comma-separated list or a JSON list."""
        return (_parts(value) or None) if isinstance(value, str) else value

    @property
    def is_local(self) -> bool:
        """Whether the web app listens on a loopback address."""
        return is_loopback(self.host)

    @property
    def has_proxy_sign_in(self) -> bool:
        """Whether a proxy authenticates users."""
        return bool(self.proxy_user_header and self.trusted_proxies)

    @property
    def has_oidc(self) -> bool:
        """Whether users sign in with an OpenID Connect provider."""
        return bool(self.oidc_issuer and self.oidc_client_id)

    @property
    def search_side_px(self) -> int:
        """Longer side, in pixels, at which photos are searched. Finding the smallest faces needs twice the size."""
        twice = self.detector == "centerface" and self.smallest_face == "every"
        return self.detection_side_px * (2 if twice else 1)

    @property
    def worker_count(self) -> int:
        """Import processes to start, at least 1: as set, or else one per usable core."""
        return self.workers or usable_cores()

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or _sqlite_url(self.library.absolute())

    @property
    def engine_folder(self) -> Path:
        """Converted networks that belong to this library only; see engine_cache."""
        return self.library / "engine"

    @property
    def models_folder(self) -> Path:
        """Trained recognisers."""
        return self.library / "models"

    @property
    def originals_folder(self) -> Path:
        """Copies of the original photos, made before names were written into them."""
        return self.library / "originals"

    @property
    def graphs_folder(self) -> Path:
        """Cached neighbour graphs."""
        return self.library / "graphs"

    @property
    def uploads_folder(self) -> Path:
        """Photos uploaded in the browser."""
        return self.library / "uploads"

    @property
    def backups_folder(self) -> Path:
        """Copies of the database made by upgrades, and the list of backups stored elsewhere."""
        return self.library / "backups"

    @property
    def replaced_folder(self) -> Path:
        """Libraries that were replaced by a restore."""
        return self.library / "replaced"

    @property
    def temporary_folder(self) -> Path:
        """Pictures submitted for recognition, kept for an hour at most. A read-only library uses the system's
        temporary folder instead."""
        if os.access(self.library, os.W_OK) or not self.library.exists():
            return self.library / "temporary"
        return Path(gettempdir()) / f"faceid-{sha256(str(self.library.resolve()).encode()).hexdigest()[:16]}"

    @property
    def remote_folder(self) -> Path:
        """Local copies of remote photos, kept while they are needed."""
        return self.temporary_folder.with_name(self.temporary_folder.name.replace("temporary", "remote"))

    @property
    def album_folder(self) -> Path:
        """The sample album."""
        return self.library / "sample-album"


def is_loopback(host: str) -> bool:
    """Whether the host is a loopback address, which only this machine can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parts(text: str) -> list[str]:
    """Split a comma-separated list or a JSON list.

    >>> _parts(' A , B ,'), _parts('["A", "B"]')
    (['A', 'B'], ['A', 'B'])
    """
    return [name for part in text.split(",") if (name := part.strip(" \"'[]"))]


def load(**overrides: Any) -> Settings:
    """Load the settings from the environment; overrides that are not None win. Raises InvalidSetting."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InvalidSetting(
            f"The setting {PREFIX}{str(wrong['loc'][0]).upper()} can't be {wrong['input']!r}: "
            f"{what_is_wrong(wrong)}; correct it or unset it."
        ) from error


def usable_cores() -> int:
    """Return the number of cores that this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@lru_cache(maxsize=8)
def _sqlite_url(folder: Path) -> str:
    """Cached because every page run needs it several times. folder: absolute."""
    return f"sqlite:///{(folder / 'faceid.db').resolve()}"
