"""What to train, for how long, and with whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from faceid_core.extras import install
from faceid_core.values import Ints

RECIPES = {
    "best": "Tries imprint and head, and keeps the one that does better on faces it has not seen.",
    "imprint": "Takes the mean of each person's faces. Needs seconds, and works well from the first photo on.",
    "head": "Trains the means further on altered copies of the faces. Needs a minute; worth it if people look "
    "alike and have ten faces or more.",
    "fine-tune": "Trains the head, then also the last stage of the face network, until unseen faces gain "
    "no more. Needs minutes; recognising gets no slower.",
    "classic": "For comparison, trains ResNet-34 on the faces' pixels, as courses do; the means still do the "
    "recognising. Needs minutes and a file of weights.",
}
"""What to train -> what it is good for."""

FINE_TUNING_EPOCHS = 6
"""Most epochs for the network's last stage; training stops once validation gains no more."""

TRAINER = ("torch", "fastai")
"""Packages that all recipes but imprint need."""

NO_TRAINER = (
    f"This training needs PyTorch: install it with {install('train')}, or use the recipe imprint, "
    "which does without."
)

WEAK_PHOTOS = 1
"""A person with no more photos than this can't be tested and is recognised less well."""


def has_trainer() -> bool:
    """Whether all recipes can be trained here. Loads nothing."""
    return all(find_spec(package) for package in TRAINER)


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train and how long; the defaults are safe for a few faces and for thousands.

    recipe: one of RECIPES. epochs: for the head. unfreeze_epochs: at most as many further epochs that also train
    the network's last stage; None: as the recipe says. Only fine-tune has them, because on LFW they let more
    strangers in. views: augmented versions of each face. valid_share: share of a person's photos that is held out.
    weights: the file that classic starts from; None: torchvision's cache.
    """

    recipe: str = "best"
    epochs: int = 6
    unfreeze_epochs: int | None = None
    batch_size: int = 32
    learning_rate: float = 5e-4
    seed: int = 0
    min_faces_per_person: int = 1
    max_faces_per_person: int = 200
    valid_share: float = 0.25
    views: int = 3
    weights: str | None = None

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise ValueError(f"recipe must be one of {', '.join(RECIPES)}")
        counts = (self.batch_size, self.min_faces_per_person, self.max_faces_per_person)
        if min(counts) < 1 or min(self.epochs, self.upper_epochs, self.views) < 0:
            raise ValueError("counts must be positive")
        if not (0 < self.valid_share < 1 and self.learning_rate > 0):
            raise ValueError("valid_share must lie between 0 and 1, learning_rate above 0")

    @property
    def upper_epochs(self) -> int:
        """Rounds for the network's last level at most, 0 where it stays as it is."""
        if self.unfreeze_epochs is not None:
            return self.unfreeze_epochs
        return FINE_TUNING_EPOCHS if self.recipe == "fine-tune" else 0

    @property
    def is_possible(self) -> bool:
        """Whether what it takes is installed."""
        return (self.recipe == "imprint" and not self.upper_epochs) or has_trainer()


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a training is possible, and who is in it.

    names: in alphabetical order; faces: how many are learned from; too_few: people with faces, but fewer than it
    takes; weak: those in it with a single photo; refusal: what to do first, None when it is possible.
    """

    names: tuple[str, ...]
    faces: int
    too_few: tuple[str, ...] = ()
    refusal: str | None = None
    weak: tuple[str, ...] = ()


def readiness(names: Sequence[str], photos: Sequence[int] | Ints, options: TrainOptions | None = None) -> Readiness:
    """What `train` makes of named faces (N), each with the number of its photo: everybody with enough faces. One
    photo of a person is enough, but can't be tested on another."""
    options = options or TrainOptions()
    counts, pictures = Counter(names), defaultdict(set)
    for name, photo in zip(names, photos, strict=True):
        pictures[name].add(int(photo))
    known = tuple(sorted(name for name, count in counts.items() if count >= options.min_faces_per_person))
    faces = sum(min(counts[name], options.max_faces_per_person) for name in known)
    refusal = None
    if not known:
        least = options.min_faces_per_person
        words = "one face" if least == 1 else f"{least} faces"
        refusal = f"Name at least one person with {words}, then train."
    weak = tuple(name for name in known if len(pictures[name]) <= WEAK_PHOTOS)
    return Readiness(known, faces, tuple(sorted(counts.keys() - set(known))), refusal, weak)
