"""Train a recogniser and serve it.

May import the root, engine and vision.
"""

__all__ = ["evaluation", "holdout", "model_card", "recogniser", "scoring", "training"]
