"""The registry of embedders."""

from __future__ import annotations

from collections.abc import Callable

from faceid_core.errors import UnknownChoice
from faceid_core.settings import Settings
from faceid_core.vision.dlib_resnet import DlibResNet
from faceid_core.vision.embedder import Embedder

EMBEDDERS: dict[str, Callable[..., Embedder]] = {"dlib-resnet": DlibResNet}
"""Name -> factory, called with the settings and `threads` (None means all cores)."""


def make_embedder(settings: Settings, *, threads: int | None = None) -> Embedder:
    """The embedder that the settings name: one of ours, or of the library's models.toml.

    Raises UnknownChoice, EngineError.
    """
    factory = EMBEDDERS.get(settings.embedder)
    if factory is not None:
        return factory(settings, threads=threads)
    from faceid_core.vision import custom_embedder, custom_models

    own = custom_models.entries(settings).embedders
    if settings.embedder in own:
        return custom_embedder.CustomEmbedder(settings.embedder, own[settings.embedder], settings, threads=threads)
    names = ", ".join([*EMBEDDERS, *own])
    raise UnknownChoice(f"There is no embedder {settings.embedder!r}; choose one of {names}.")


def require_trainable(settings: Settings) -> None:
    """Raises UnknownChoice where the settings name an own embedder: recognisers are trained from ours."""
    if settings.embedder not in EMBEDDERS:
        raise UnknownChoice(
            f"Recognisers can't be trained for {settings.embedder}; set FACEID_EMBEDDER to one of "
            f"{', '.join(EMBEDDERS)}."
        )
