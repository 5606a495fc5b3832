"""From files to rows: an import, and what its workers do.

May import the root, media, vision, executors and library.
"""

__all__ = ["by_hand", "photo", "report", "run", "search_again", "shared"]
