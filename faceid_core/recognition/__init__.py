"""Train a recogniser and serve it.

May import the root, engine and vision.
"""

__all__ = ["holdout", "recogniser", "training"]
