"""The entry point of an import worker: a photo, or the next piece of a video."""

from __future__ import annotations

from faceid_core.importing.photo import analyse
from faceid_core.importing.video import watch
from faceid_core.importing.work import File, Piece
from faceid_core.media import images
from faceid_core.remote_cache import keep_as
from faceid_core.settings import Settings
from faceid_core.values import NewPhoto


def look_at(file: File, *, settings: Settings, threads: int | None = None) -> NewPhoto | Piece:
    """Process a photo or, if the settings include videos, the next piece of a video."""
    keep_as(settings)
    is_video = file.watched or (settings.video_seconds and not file.error and images.is_video(file.path))
    return watch(file, settings, threads) if is_video else analyse(file, settings=settings, threads=threads)
