"""The terminal edge: every `faceid` command.

May import everything in faceid_core; nobody imports it.
"""

__all__ = ["main"]
