"""The way from photos to a recogniser: which steps there are, and what is done; counts in, steps out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Counts


@dataclass(frozen=True)
class Step:
    """One step of the way. module: the page where it is done."""

    module: str
    title: str
    sentence: str
    link: str
    done: bool


def steps(counts: Counts, *, trained: str = "") -> list[Step]:
    """The whole way, with what is done. The first step that is not done is the one to do next.

    trained: how long ago the newest recogniser was trained, in words; used where counts has one.
    """
    return [
        Step("photos", "Import photos", _import_sentence(counts), "Import photos", counts.faces > 0),
        Step("clusters", "Group faces", _group_sentence(counts), "See the groups", counts.clusters > 0),
        Step("clusters", "Name people", _name_sentence(counts), "Name the groups", counts.people >= 2),
        Step("train", "Train a recogniser", _train_sentence(counts, trained), "Go to training", counts.models > 0),
        Step("recognise", "Recognise people", "Ask who is in a new photo.", "Recognise people", False),
    ]


def _import_sentence(counts: Counts) -> str:
    if counts.photos and not counts.faces:
        return "No face was found so far; import photos that show people."
    if counts.photos:
        return f"{count(counts.photos - counts.failed, 'photo')} with {count(counts.faces, 'face')} are here."
    return "Choose a folder or upload photos; your files are only read, never changed."


def _group_sentence(counts: Counts) -> str:
    if counts.clusters:
        return f"The faces form {count(counts.clusters, 'group')} that look like one person each."
    return "Runs by itself after each import and puts faces of the same person together."


def _name_sentence(counts: Counts) -> str:
    if counts.people:
        people, unnamed = count(counts.people, "person", "people"), count(counts.unnamed, "face")
        more = "" if counts.people > 1 else " Name one more person to be able to train."
        return f"{people} named; {unnamed} still without a name.{more}"
    return "Give the groups names: one name labels a whole group of faces."


def _train_sentence(counts: Counts, trained: str) -> str:
    if counts.models:
        return f"Trained {trained}. Train again after naming more faces."
    return "From your names it learns to tell these people apart, and to say “unknown” to anybody else."
