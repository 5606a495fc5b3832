"""What only some tasks need, and how it is installed: the extras of pyproject.toml."""

from __future__ import annotations


def install(extra: str) -> str:
    """Return the command that installs an extra, such as `train`: not pip, as faceid isn't in its registry."""
    return f"`./run install {extra}`"
