"""How good recognition is on a folder of identities: photos in a folder per person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceid_core.cosine_scale import DLIB, CosineScale
from faceid_core.errors import BadInput, NoFaces, NotEnoughLabels, UnreadableImage
from faceid_core.library import Library
from faceid_core.media import folders, images
from faceid_core.settings import Settings
from faceid_core.steps.load_vectors import is_ours, load_embedder
from faceid_core.steps.recognise import load_recogniser
from faceid_core.values import DetectedFace, Image, Progress, Vectors, no_progress
from faceid_core.vectors import pair_scale
from faceid_core.vision.detection import make_detector
from faceid_core.vision.embedder import Embedder

if TYPE_CHECKING:
    from faceid_core.recognition.evaluation import HeldOut

FORMAT = "faceid-evaluation"

KNOWN_SHARE, TRAIN_SHARE = 2 / 3, 0.5
"""Of the people with two faces or more, so many are known in a split; of their faces, so many are learned from."""

SEED = 0
"""Draws who is known in a split: the same folder is split the same way every time."""

MOST_PAIRED = 3000
"""Faces whose pairs are compared at most: 4.5 million pairs, about 100 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Identities:
    """The faces of a folder. vectors: (N, D); names: (N,) of their folders; unreadable, without_face, known: photos
    that were left out, the last because the library has them, so that a recogniser may have learned from them."""

    vectors: Vectors
    names: list[str]
    unreadable: int = 0
    without_face: int = 0
    known: int = 0


def evaluate_folder(
    library: Library, folder: Path, *, split: bool = False, progress: Progress = no_progress
) -> dict[str, Any]:
    """The recogniser in use on the photos in `folder`, where each person has a folder. Others are strangers.

    split: instead, make people known by half of their photos, and leave a third of the people out as strangers.
    Returns plain values for JSON. Raises BadInput, NoFaces, NotEnoughLabels, NoModel, ModelUnusable.
    """
    from faceid_core.recognition import openset
    from faceid_core.recognition.evaluation import HeldOut

    if split:
        found = _read(library, folder, load_embedder(library.settings), lambda _: False, progress)
        held, classes, threshold = _by_split(found, library.settings)
        return _report(found, held, classes, threshold, "split")
    recogniser = load_recogniser(library)
    found = _read(library, folder, recogniser.embedder, library.photos.knows, progress)
    number = {name: place for place, name in enumerate(recogniser.classes)}
    wanted = np.array([number.get(name, -1) for name in found.names], np.int64)
    if not (wanted >= 0).any():
        raise NotEnoughLabels(
            "The recogniser knows nobody these folders are named after; rename them, or use --split."
        )
    mine, strange = (recogniser.scorer(found.vectors[part]) for part in (wanted >= 0, wanted < 0))
    known = wanted[wanted >= 0]
    scored = openset.against(mine, known, np.arange(len(known)), strange)
    held = HeldOut.of(scored, recogniser.calibration, *(np.zeros(len(part), np.int64) for part in (mine, strange)))
    return _report(found, held, recogniser.classes, recogniser.threshold, "recogniser")


def _read(
    library: Library, folder: Path, embedder: Embedder, knows: Callable[[str], bool], progress: Progress
) -> Identities:
    photos = list(_photos(folder))
    detector, vectors, names, left = make_detector(library.settings), [], [], Counter[str]()
    for done, (path, name) in enumerate(photos):
        progress(done, len(photos), name)
        try:
            if knows(folders.sha256_of(path)):
                left["known"] += 1
                continue
            picture = images.read(path, max_megapixels=library.settings.max_megapixels).pixels
        except UnreadableImage:
            left["unreadable"] += 1
            continue
        if face := _middle(detector.detect(picture), picture):
            vectors.append(embedder.embed(embedder.align(picture, face.landmarks)[np.newaxis])[0])
            names.append(name)
        else:
            left["without_face"] += 1
    if not vectors:
        raise NoFaces("No face is left to evaluate: the photos show none, or the library has all of them.")
    return Identities(np.stack(vectors), names, left["unreadable"], left["without_face"], left["known"])


def _photos(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each photo with the name of the folder below `folder` that it is in. Raises BadInput, PathNotFound."""
    top = folders.absolute(folder)
    found = [(path, path.relative_to(top).parts) for path in folders.walk([top])]
    if not any(len(parts) > 1 for _, parts in found):
        raise BadInput("That folder has no subfolder per person; put each person's photos into a separate one.")
    yield from ((path, parts[0]) for path, parts in found if len(parts) > 1)


def _middle(faces: Sequence[DetectedFace], picture: Image) -> DetectedFace | None:
    """The face nearest to the middle of the photo: whose folder it is in."""
    middle = np.array([picture.shape[1], picture.shape[0]]) / 2
    return min(faces, key=lambda face: float(np.abs(face.landmarks.mean(0) - middle).sum()), default=None)


def _by_split(found: Identities, settings: Settings) -> tuple[HeldOut, tuple[str, ...], float]:
    from faceid_core.recognition import classifier, openset
    from faceid_core.recognition.evaluation import HeldOut

    rng, counts = np.random.default_rng(SEED), Counter(found.names)
    able = sorted(name for name, count in counts.items() if count > 1)
    if not able:
        raise NotEnoughLabels("A split needs people with two photos or more; put more photos into the folders.")
    people = tuple(sorted(rng.permutation(able)[: max(1, round(KNOWN_SHARE * len(able)))].tolist()))
    names, train, test = np.array(found.names), list[int](), list[int]()
    for name in people:
        rows = rng.permutation(np.flatnonzero(names == name)).tolist()
        learned = max(1, int(TRAIN_SHARE * len(rows)))
        train, test = train + rows[:learned], test + rows[learned:]
    number = {name: place for place, name in enumerate(people)}
    classes, wanted = (np.array([number[name] for name in names[rows]], np.int64) for rows in (train, test))
    embedder, photos, scale = load_embedder(settings), np.arange(len(train)), DLIB
    if not is_ours(embedder):
        usual = embedder.default_threshold
        measured = pair_scale.measure(found.vectors[train], photos, classes, usual=usual)
        scale = CosineScale.of(measured.same_person)
    examples = classifier.Examples(found.vectors[train], classes, photos, len(people), scale=scale)
    scorer, own = classifier.imprinted(examples)
    fit = classifier.calibrated(own, examples)
    strangers = found.vectors[~np.isin(names, people)]
    scored = openset.against(scorer(found.vectors[test]), wanted, np.arange(len(test)), scorer(strangers))
    held = HeldOut.of(scored, fit.calibration, np.zeros(len(test), np.int64), np.zeros(len(strangers), np.int64))
    return held, people, fit.threshold


def _report(
    found: Identities, held: HeldOut, classes: Sequence[str], threshold: float, mode: str
) -> dict[str, Any]:
    from faceid_core.recognition import evaluation
    from faceid_core.recognition.verification import verify_pairs

    numbers = np.unique(found.names, return_inverse=True)[1][:MOST_PAIRED].astype(np.int64)
    pairs = verify_pairs(found.vectors[:MOST_PAIRED], numbers)
    at = {share: evaluation.at(held, evaluation.strict_threshold(held, share)) for share in (0.01, 0.001)}
    people = [each for each in evaluation.by_person(held, len(classes), threshold) if each.tested or each.taken]
    cells = evaluation.confusion(held, threshold)
    wrong = [
        {"truth": _name(classes, truth), "answer": _name(classes, answer), "faces": len(rows)}
        for (truth, answer), rows in cells.items() if truth != answer
    ]  # fmt: skip
    return {
        "format": FORMAT, "version": 1, "mode": mode,
        "data": {
            "people": len(set(found.names)), "faces": len(found.names), "known": int(held.known.sum()),
            "strangers": int((~held.known).sum()), "unreadable": found.unreadable,
            "without_face": found.without_face, "in_library": found.known,
        },
        "accuracy": float(held.right[held.known].mean()),
        "chosen": asdict(evaluation.at(held, threshold)), "at_1": asdict(at[0.01]),
        "at_01": asdict(at[0.001]), "verification": asdict(pairs) if pairs else None,
        "people": [
            {"name": classes[each.person], **asdict(each), "recall": each.recall, "precision": each.precision}
            for each in sorted(people, key=lambda each: (each.recall is None, each.recall, each.person))
        ],
        "errors": sorted(wrong, key=lambda each: (-each["faces"], each["truth"] or "", each["answer"] or "")),
    }  # fmt: skip


def _name(classes: Sequence[str], person: int) -> str | None:
    return None if person < 0 else classes[person]
