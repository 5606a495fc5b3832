"""Train a recogniser and serve it.

May import the root, engine and vision.
"""

__all__ = [
    "candidates",
    "classifier",
    "evaluation",
    "holdout",
    "live",
    "model_card",
    "model_files",
    "onnx_export",
    "openset",
    "recogniser",
    "scoring",
    "training",
    "verification",
]
