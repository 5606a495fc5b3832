"""The registry of embedders."""

from __future__ import annotations

from collections.abc import Callable

from faceid_core.errors import UnknownChoice
from faceid_core.settings import Settings
from faceid_core.vision.dlib_resnet import NAME, DlibResNet
from faceid_core.vision.embedder import MIRROR, Embedder

EMBEDDERS: dict[str, Callable[..., Embedder]] = {NAME: DlibResNet}
"""Name -> factory, called with the settings and `threads` (None means all cores)."""


def make_embedder(settings: Settings, *, threads: int | None = None) -> Embedder:
    """Create the embedder named in the settings: a built-in one, or one from the library's models.toml.

    Raises UnknownChoice, EngineError.
    """
    factory = EMBEDDERS.get(settings.embedder)
    if factory is not None:
        return factory(settings, threads=threads)
    from faceid_core.vision import custom_embedder, custom_models

    base_names(settings)  # raises if it does not exist
    entry = custom_models.entries(settings).embedders[settings.embedder]
    return custom_embedder.CustomEmbedder(settings.embedder, entry, settings, threads=threads)


def name_of(settings: Settings) -> str:
    """Return the full name of the embedder in the settings, without loading a network. Raises UnknownChoice,
    CustomModelUnusable."""
    base = settings.embedder if settings.embedder in EMBEDDERS else base_names(settings)[settings.embedder]
    return base + (MIRROR if settings.mirror else "")


def base_names(settings: Settings) -> dict[str, str]:
    """Return all embedders: name in the settings -> full name without the mirror suffix. Raises
    CustomModelUnusable, and UnknownChoice if the settings name none of them."""
    from faceid_core.vision import custom_models

    own = custom_models.entries(settings).embedders
    found = {name: name for name in EMBEDDERS} | {name: own[name].full_name(name) for name in own}
    if settings.embedder not in found:
        raise UnknownChoice(f"There is no embedder {settings.embedder!r}; choose one of {', '.join(found)}.")
    return found
