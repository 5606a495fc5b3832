"""Algorithms that need only vectors: nearest neighbours and projections.

May import the root.
"""

__all__ = ["neighbour_cache", "neighbours", "pair_scale", "projection"]
