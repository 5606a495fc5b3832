"""From pixels to detected, aligned, embedded and judged faces.

May import the root, media and engine.
"""

__all__ = ["detection", "detector", "dlib_resnet", "embedder", "embedding", "quality", "tracking"]
