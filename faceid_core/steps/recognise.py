"""The newest recogniser, ready to be asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.single_flight import single_flight

if TYPE_CHECKING:
    from faceid_core.recognition.recogniser import Recogniser


def load_recogniser(library: Library) -> Recogniser:
    """The newest recogniser, loaded once per process however many ask at once. Raises NoModel, ModelUnusable."""
    model = library.models.latest()
    return _load_recogniser(library.settings.models_folder / model.artifact, library.settings.model_dump_json())


@single_flight(maxsize=2)
def _load_recogniser(folder: Path, settings_json: str) -> Recogniser:
    from faceid_core.recognition.recogniser import Recogniser

    return Recogniser.load(folder, settings=Settings.model_validate_json(settings_json))
