"""From vectors to groups, and how good the groups are. Pure: arrays in, arrays out.

May import the root and vectors.
"""

__all__ = ["clusterers", "continuity", "incremental", "metrics", "strictness"]
