"""What to ask a human. Pure: arrays in, values out.

May import the root and vectors.
"""

__all__ = [
    "identity",
    "label_errors",
    "merge_candidates",
    "near_duplicates",
    "pair_index",
    "people_nearby",
    "place",
    "queue",
    "seriation",
    "suggestion_index",
]
