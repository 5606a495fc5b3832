"""Write a recogniser for programs without faceid: an ONNX graph, and who its outputs are as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceid_core.exchange import saving
from faceid_core.exchange.export_content import Entry
from faceid_core.library import Library, ModelView
from faceid_core.values import Role

if TYPE_CHECKING:
    from faceid_core.engine.dlib_format import ResNetWeights
    from faceid_core.recognition.model_files import StoredModel

FORMAT, VERSION = "faceid-recogniser-onnx", 1

DLIB = "dlib-resnet"


def export_recogniser(library: Library, target: Path, model_id: int | None = None) -> None:
    """Into a new or empty folder: recogniser.onnx and recogniser.json, of the one in use where none is named.

    Raises NoModel, NotFound, ModelUnusable, WeightsMissing, NotAllowed for all but owners; BadInput, PathNotFound,
    NotWritable for the folder.
    """
    library.actor.require(Role.OWNER)
    saving.check_folder(target)
    saving.save_folder(_entries(library, model_id), target)


def archive(library: Library, model_id: int) -> Iterator[bytes]:
    """The same as a zip archive, piece by piece. Raises before the first piece."""
    library.actor.require(Role.OWNER)
    return saving.zipped(_entries(library, model_id))


def _entries(library: Library, model_id: int | None) -> list[Entry]:
    from faceid_core.recognition import model_files
    from faceid_core.recognition.onnx_export import recogniser_graph

    model = library.models.latest() if model_id is None else library.models.get(model_id)
    stored = model_files.read(library.settings.models_folder / model.artifact)
    weights = _weights(stored)
    graph = recogniser_graph(stored, weights).SerializeToString()
    about = json.dumps(_about(model, has_network=weights is not None), indent=1, ensure_ascii=False)
    return [Entry("recogniser.onnx", graph), Entry("recogniser.json", about.encode())]


def _weights(stored: StoredModel) -> ResNetWeights | None:
    """The face network that goes in front: the further trained one, dlib's, or none where it is somebody else's."""
    from faceid_core.engine.dlib_format import resnet_weights
    from faceid_core.engine.weights import weights_path
    from faceid_core.recognition import model_files

    tuned = model_files.body_weights(stored.tensors)
    if tuned is not None or stored.embedder.partition("+")[0] != DLIB:
        return tuned
    return resnet_weights(weights_path("resnet"))


def _about(model: ModelView, *, has_network: bool) -> dict[str, Any]:
    from faceid_core.recognition.model_card import card_of

    source = {
        "name": "crops" if has_network else "vectors",
        "shape": "N, 150, 150, 3, uint8: RGB faces as `faceid export` writes them" if has_network
        else f"N, D, float32: vectors of {model.embedder}",
    }  # fmt: skip
    return {
        "format": FORMAT,
        "version": VERSION,
        "input": source,
        "output": {"name": "probabilities", "shape": "N, people, float32: in the order of classes"},
        "classes": model.classes,
        "threshold": model.threshold,
        "card": card_of(model),
    }
