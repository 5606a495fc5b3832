"""Where the published dlib weights are: files of the package face_recognition_models, found without importing it.

Importing it would need pkg_resources, which setuptools 81 removed.
"""

from __future__ import annotations

from importlib import util
from pathlib import Path

from faceid_core.errors import WeightsMissing

FILES = {
    "resnet": "dlib_face_recognition_resnet_model_v1.dat",
    "mmod": "mmod_human_face_detector.dat",
    "landmarks5": "shape_predictor_5_face_landmarks.dat",
}
"""Short name -> file. ResNet embedder, CNN detector (max-margin object detection), 5-point shape predictor."""


def weights_path(name: str) -> Path:
    """The file with the weights of `name`, a key of FILES. Raises WeightsMissing."""
    spec = util.find_spec("face_recognition_models")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        path = Path(folder) / "models" / FILES[name]
        if path.is_file():
            return path
    raise WeightsMissing(
        "The face networks are not installed; install them with `pip install face-recognition-models`."
    )
