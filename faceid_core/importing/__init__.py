"""From files to rows: an import, and what its workers do.

May import the root, media, vision, executors and library.
"""

__all__ = ["report", "run", "shared"]
