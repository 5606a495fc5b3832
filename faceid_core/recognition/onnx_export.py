"""A recogniser as one ONNX graph that needs nothing of faceid: aligned faces in, probabilities of people out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from faceid_core.engine.graphs import Graph, crops_input, embedded, float_output
from faceid_core.recognition.scoring import NEAREST, PENALTY, Constants

if TYPE_CHECKING:
    import onnx

    from faceid_core.engine.dlib_format import ResNetWeights
    from faceid_core.recognition.model_files import StoredModel
    from faceid_core.recognition.openset import Calibration

IMPOSSIBLE = -9.0
"""A cosine that takes no part in a maximum."""


def recogniser_graph(model: StoredModel, weights: ResNetWeights | None) -> onnx.ModelProto:
    """crops (N, 150, 150, 3) uint8 RGB -> probabilities (N, K) float32, in the order of the classes; what is
    missing to 1 is the probability of somebody else. Without weights: vectors (N, D) float32 instead of crops.

    Scores are computed in float64 as in recognition.scoring, so that the answers are faceid's own.
    """
    graph, rows = Graph(), model.tensors["rows"]
    if weights is None:
        vectors, source = "vectors", float_output("vectors", rows.shape[1])
    else:
        vectors, source = _vectors(graph, weights, mirror=model.embedder.endswith("+mirror")), crops_input()
    scores = _scores(graph, _unit(graph, vectors), model.scorer().constants())
    _probabilities(graph, scores, model.calibration)
    return graph.model([source], [float_output("probabilities", len(rows))])


def _vectors(graph: Graph, weights: ResNetWeights, *, mirror: bool) -> str:
    if not mirror:
        return embedded(graph, "crops", weights)
    start, end = graph.constant(np.array([-1])), graph.constant(np.array([np.iinfo(np.int64).min + 1]))
    flipped = graph.node("Slice", "crops", start, end, graph.constant(np.array([2])), start)
    both = embedded(graph, graph.node("Concat", "crops", flipped, axis=0), weights)
    halves = graph.node("Reshape", both, graph.constant(np.array([2, -1, weights.fc.shape[1]])))
    return graph.node("ReduceMean", halves, axes=[0], keepdims=0)


def _unit(graph: Graph, vectors: str) -> str:
    from onnx import TensorProto

    wide = graph.node("Cast", vectors, to=int(TensorProto.DOUBLE))
    squares = graph.node("ReduceSum", graph.node("Mul", wide, wide), graph.constant(np.array([1])), keepdims=1)
    length = graph.node("Max", graph.node("Sqrt", squares), graph.constant(np.float64(1e-12)))
    return graph.node("Div", wide, length)


def _scores(graph: Graph, unit: str, of: Constants) -> str:
    """See scoring.Scorer.__call__."""
    cosines = graph.node("MatMul", unit, graph.constant(of.rows.T))
    scores = cosines
    if of.weight:
        stricter = graph.node("Add", _face_strictness(graph, unit, of), graph.constant(of.strictness))
        scores = graph.node("Sub", scores, stricter)
    return _without_rejected(graph, unit, cosines, scores, of) if len(of.negatives) else scores


def _face_strictness(graph: Graph, unit: str, of: Constants) -> str:
    """(N, K): against each person without the person's own face in the cohort."""
    near = graph.node("MatMul", unit, graph.constant(of.cohort.T))
    top = f"{near}_top"
    graph.node("TopK", near, graph.constant(np.array([NEAREST + 1])), output=top)
    graph.nodes[-1].output.append(f"{near}_places")
    parts = {"first": (0, NEAREST), "lowest": (NEAREST - 1, NEAREST), "next": (NEAREST, NEAREST + 1)}
    first, lowest, next_ = (_columns(graph, top, *place) for place in parts.values())
    total = graph.node("ReduceSum", first, graph.constant(np.array([1])), keepdims=1)
    mine = graph.node("Gather", near, graph.constant(np.maximum(of.own, 0)), axis=1)
    counts = graph.node("GreaterOrEqual", mine, lowest)
    counts = graph.node("And", counts, graph.constant(of.own >= 0))
    change = graph.node("Where", counts, graph.node("Sub", next_, mine), graph.constant(np.float64(0)))
    density = graph.node("Div", graph.node("Add", total, change), graph.constant(np.float64(NEAREST)))
    floored = graph.node("Max", density, graph.constant(np.float64(of.floor)))
    above = graph.node("Sub", floored, graph.constant(np.float64(of.usual)))
    return graph.node("Mul", above, graph.constant(np.float64(of.weight)))


def _columns(graph: Graph, value: str, start: int, end: int) -> str:
    places = [graph.constant(np.array([number])) for number in (start, end, 1)]
    return graph.node("Slice", value, *places)


def _without_rejected(graph: Graph, unit: str, cosines: str, scores: str, of: Constants) -> str:
    people = np.unique(of.negative_classes)
    near = graph.node("MatMul", unit, graph.constant(of.negatives.T))
    near = graph.node("Unsqueeze", near, graph.constant(np.array([1])))
    others = np.where(of.negative_classes[None] == people[:, None], 0.0, IMPOSSIBLE)
    nearest = graph.node("ReduceMax", graph.node("Add", near, graph.constant(others[None])), axes=[2], keepdims=0)
    own = graph.node("Gather", cosines, graph.constant(people), axis=1)
    nearer = graph.node("Sub", graph.node("Add", nearest, graph.constant(np.float64(of.margin))), own)
    nearer = graph.node("Max", nearer, graph.constant(np.float64(0)))
    places = PENALTY * (people[:, None] == np.arange(len(of.rows))[None]).astype(np.float64)
    return graph.node("Sub", scores, graph.node("MatMul", nearer, graph.constant(places)))


def _probabilities(graph: Graph, scores: str, calibration: Calibration) -> None:
    """See openset.probabilities."""
    from onnx import TensorProto

    above = graph.node("Sub", scores, graph.constant(np.float64(calibration.threshold_cosine)))
    logits = graph.node("Mul", above, graph.constant(np.float64(calibration.slope)))
    peak = graph.node("ReduceMax", logits, axes=[1], keepdims=1)
    peak = graph.node("Max", peak, graph.constant(np.float64(0)))
    shares = graph.node("Exp", graph.node("Sub", logits, peak))
    total = graph.node("ReduceSum", shares, graph.constant(np.array([1])), keepdims=1)
    total = graph.node("Add", total, graph.node("Exp", graph.node("Neg", peak)))
    found = graph.node("Div", shares, total)
    graph.node("Cast", found, output="probabilities", to=int(TensorProto.FLOAT))
