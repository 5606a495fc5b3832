"""From files to rows: an import, and what its workers do.

May import the root, media, vision, executors and library.
"""

__all__ = ["by_hand", "finding", "photo", "report", "run", "search_again", "searching", "shared"]
