"""Imports: from files to database rows, including the work of the workers.

May import the root, media, vision, executors and library.
"""

__all__ = ["by_hand", "finding", "photo", "report", "run", "searching", "shared"]
