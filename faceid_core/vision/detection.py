"""The registry of face detectors."""

from __future__ import annotations

from collections.abc import Callable

from faceid_core.engine import sessions
from faceid_core.errors import UnknownChoice
from faceid_core.settings import Settings
from faceid_core.vision.centerface import CenterFaceDetector
from faceid_core.vision.detector import Detector
from faceid_core.vision.dlib_detectors import DlibCnnDetector, HogDetector
from faceid_core.vision.mmod import MmodDetector


def _cascade(settings: Settings, *, threads: int | None = None) -> Detector:
    from faceid_core.vision.cascade import CascadeDetector

    return CascadeDetector(settings, threads=threads)


DETECTORS: dict[str, Callable[..., Detector]] = {
    CenterFaceDetector.name: CenterFaceDetector,
    "mmod": _cascade,
    MmodDetector.name: MmodDetector,
    "hog": HogDetector,
    "dlib-cnn": DlibCnnDetector,
}
"""Name -> factory, called with the settings and `threads` (None means all cores)."""


def report_idle_providers(settings: Settings) -> None:
    """Report in one sentence which hardware in the settings can't be used here. Called by the parent process."""
    sessions.report_idle(settings)


def make_detector(settings: Settings, *, threads: int | None = None) -> Detector:
    """Create the detector named in the settings: a built-in one, or one from the library's models.toml.

    Raises UnknownChoice, EngineError.
    """
    factory = DETECTORS.get(settings.detector)
    if factory is not None:
        return factory(settings, threads=threads)
    from faceid_core.vision import custom_detector, custom_models

    own = custom_models.entries(settings).detectors
    if settings.detector in own:
        return custom_detector.CustomDetector(settings.detector, own[settings.detector], settings, threads=threads)
    names = ", ".join([*DETECTORS, *own])
    raise UnknownChoice(f"There is no detector {settings.detector!r}; choose one of {names}.")
