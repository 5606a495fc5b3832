"""Detects, aligns, embeds and assesses faces in pixels.

May import the root, media and engine.
"""

__all__ = [
    "alignment",
    "custom_detector",
    "custom_embedder",
    "custom_models",
    "detection",
    "detector",
    "dlib_resnet",
    "embedder",
    "embedding",
    "known_models",
    "quality",
    "tracking",
]
