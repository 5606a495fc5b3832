"""A library's custom models: list, add, check and remove what its models.toml names."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from faceid_core.atomic import replaced
from faceid_core.errors import BadInput, CustomModelUnusable, FaceIdError, UnknownChoice
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import Role
from faceid_core.vision import custom_models
from faceid_core.vision.custom_detector import CustomDetector
from faceid_core.vision.custom_embedder import CustomEmbedder
from faceid_core.vision.custom_models import DetectorEntry, EmbedderEntry, Name
from faceid_core.vision.detection import DETECTORS
from faceid_core.vision.embedding import EMBEDDERS
from faceid_core.vision.known_models import KNOWN, NOT_TO_ADD, KnownModel

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
ENTRIES: dict[Name, type[DetectorEntry] | type[EmbedderEntry]] = {
    "detectors": DetectorEntry, "embedders": EmbedderEntry,
}  # fmt: skip
NEEDED: dict[Name, tuple[str, ...]] = {
    "detectors": ("kind", "input_px"),
    "embedders": ("input_px", "dimension", "threshold"),
}
"""Fields that have no default and that no file tells by itself."""


@dataclass(frozen=True, slots=True)
class CustomModel:
    """An entry of models.toml. known: what its hash tells, or None. in_use: whether the settings name it."""

    table: Name
    name: str
    entry: DetectorEntry | EmbedderEntry
    known: KnownModel | None
    in_use: bool

    @property
    def setting(self) -> str:
        """The setting that chooses it."""
        return f"FACEID_{self.table.removesuffix('s').upper()}={self.name}"


def list_models(settings: Settings) -> list[CustomModel]:
    """The library's custom models, detectors first. Raises CustomModelUnusable."""
    entries = custom_models.entries(settings)
    tables: tuple[tuple[Name, Mapping[str, DetectorEntry | EmbedderEntry], str], ...] = (
        ("detectors", entries.detectors, settings.detector), ("embedders", entries.embedders, settings.embedder),
    )  # fmt: skip
    return [
        CustomModel(table, name, entry, KNOWN.get(entry.sha256.lower()), name == chosen)
        for table, named, chosen in tables
        for name, entry in named.items()
    ]


def recognise_file(file: Path) -> tuple[str, KnownModel | None]:
    """The SHA-256 of a file, and what is known of it. Raises CustomModelUnusable; BadInput for a published file
    that needn't or can't be added."""
    sha256 = _sha256_of(file)
    if (other := NOT_TO_ADD.get(sha256)) is not None:
        raise BadInput(f"{file.name} is {other.title} (licence: {other.licence}): {other.instead}.")
    return sha256, KNOWN.get(sha256)


def _sha256_of(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise CustomModelUnusable(f"{file} can't be read ({error.strerror}); name an ONNX file.") from error


def add_model(
    library: Library, file: Path, *, table: Name | None = None, name: str | None = None, **fields: Any
) -> CustomModel:
    """Copy a network into the library's folder and name it in models.toml, once it has run.

    table, fields: of an unknown file, as in models.toml; of a known one, what is to differ. name: by default the
    known file's. Raises NotAllowed for all but owners, BadInput, CustomModelUnusable.
    """
    library.actor.require(Role.OWNER)
    settings = library.settings
    sha256, known = recognise_file(file)
    table, name = _place(file, known, table, name)
    if taken := [one for one in list_models(settings) if one.name == name or one.entry.sha256.lower() == sha256]:
        raise BadInput(f"{taken[0].name} is there already; remove it with `faceid models remove {taken[0].name}`.")
    values = {**(known.fields if known and known.table == table else {}), **fields}
    entry = _entry(table, {"file": file.absolute(), "sha256": sha256, **values})
    check_entry(table, name, entry, settings)
    try:
        kept = _copied(file, settings.library, sha256)
        _write(settings.library / custom_models.FILE, table, name, {"file": kept.name, "sha256": sha256, **values})
    except OSError as error:
        raise BadInput(f"The library's folder can't be written ({error.strerror}); change that first.") from error
    return next(one for one in list_models(settings) if one.name == name)


def remove_model(library: Library, name: str) -> Path:
    """Take a model out of models.toml; its file stays, and its path is returned.

    Raises NotAllowed for all but owners, UnknownChoice, CustomModelUnusable, BadInput.
    """
    library.actor.require(Role.OWNER)
    model = find_model(library.settings, name)
    try:
        _write(library.settings.library / custom_models.FILE, model.table, name, None)
    except OSError as error:
        raise BadInput(f"The library's folder can't be written ({error.strerror}); change that first.") from error
    return library.settings.library / model.entry.file


def find_model(settings: Settings, name: str) -> CustomModel:
    """The custom model of that name. Raises UnknownChoice, CustomModelUnusable."""
    models = list_models(settings)
    for model in models:
        if model.name == name:
            return model
    names = ", ".join(one.name for one in models) or "it has none"
    raise UnknownChoice(f"The library has no custom model {name!r}: {names}; `faceid models list` lists all.")


def check_models(settings: Settings, name: str | None = None) -> dict[str, str]:
    """What is wrong with each custom model, or with one, by its name: "" where it runs. Raises UnknownChoice."""
    found = {}
    for model in [find_model(settings, name)] if name else list_models(settings):
        try:
            check_entry(model.table, model.name, model.entry, settings)
        except FaceIdError as error:
            found[model.name] = str(error)
        else:
            found[model.name] = ""
    return found


def check_entry(table: Name, name: str, entry: DetectorEntry | EmbedderEntry, settings: Settings) -> None:
    """Run a network once on grey pixels. Raises CustomModelUnusable, EngineError."""
    if isinstance(entry, DetectorEntry):
        CustomDetector(name, entry, settings).detect(np.full((160, 160, 3), 127, np.uint8))
    else:
        embedder = CustomEmbedder(name, entry, settings)
        embedder.embed(np.full((1, embedder.size_px, embedder.size_px, 3), 127, np.uint8))


def _place(file: Path, known: KnownModel | None, table: Name | None, name: str | None) -> tuple[Name, str]:
    """The table and the name of a new entry."""
    table = table or (known.table if known else None)
    if table is None:
        raise BadInput(
            f"{file.name} is not a file that faceid knows; say what it is with `--kind`, and give its fields."
        )
    name = name or (known.name if known else re.sub(r"[^A-Za-z0-9_.-]+", "-", file.stem).strip("-."))
    if not NAME.fullmatch(name) or name in DETECTORS or name in EMBEDDERS:
        raise BadInput(f"A custom model can't be called {name!r}; give it another `--name` of letters and digits.")
    return table, name


def _entry(table: Name, values: dict[str, Any]) -> DetectorEntry | EmbedderEntry:
    if missing := [field for field in NEEDED[table] if values.get(field) is None]:
        options = ", ".join(f"`--{field.replace('_', '-')}`" for field in missing)
        raise BadInput(
            f"faceid does not know this file, so it needs {options}; docs/custom-models.md explains them."
        )
    try:
        return ENTRIES[table].model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        field = str(wrong["loc"][0])
        raise BadInput(f"`--{field.replace('_', '-')}` is wrong: {wrong['msg'].lower()}; correct it.") from error


def _copied(file: Path, folder: Path, sha256: str) -> Path:
    """The file in the library's folder, where another of its name gets no harm."""
    kept = folder / file.name
    if kept.exists() and _sha256_of(kept) != sha256:
        kept = folder / f"{file.stem}-{sha256[:8]}{file.suffix}"
    if not kept.exists():
        with replaced(kept) as partial:
            shutil.copyfile(file, partial)
    return kept


def _write(path: Path, table: Name, name: str, values: dict[str, Any] | None) -> None:
    """Set or remove an entry; everything else in the file, comments included, stays as it is."""
    import tomlkit

    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.is_file() else tomlkit.document()
    named: Any = document.setdefault(table, tomlkit.table(is_super_table=True))
    if values is None:
        del named[name]
    else:
        named[name] = values
    with replaced(path) as partial:
        partial.write_text(tomlkit.dumps(document), encoding="utf-8")
