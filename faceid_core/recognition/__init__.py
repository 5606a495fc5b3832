"""Train a recogniser and serve it.

May import the root, engine and vision.
"""

__all__ = [
    "classic",
    "classifier",
    "evaluation",
    "holdout",
    "live",
    "model_card",
    "model_files",
    "next_to_name",
    "onnx_export",
    "openset",
    "recogniser",
    "scoring",
    "training",
    "training_data",
    "verification",
]
