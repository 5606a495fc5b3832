"""The way from photos to a recogniser: which steps there are, and what is done; counts in, steps out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faceid_core.values import Role
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Counts


@dataclass(frozen=True)
class Step:
    """One step of the way. module: the page where it is done; need: who may do it."""

    module: str
    title: str
    sentence: str
    link: str
    done: bool
    need: Role


def steps(counts: Counts, *, trained: str = "") -> list[Step]:
    """The whole way, with what is done. The first step that is not done is the one to do next.

    trained: how long ago the newest recogniser was trained, in words; used where counts has one.
    """
    return [
        Step("photos", "Import photos", _import_sentence(counts), "Import photos", counts.faces > 0, Role.OWNER),
        Step("clusters", "Group faces", _group_sentence(counts), "View groups", counts.clusters > 0, Role.EDITOR),
        Step("name_faces", "Name people", _name_sentence(counts), "Name faces", counts.people >= 2, Role.EDITOR),
        Step(
            "train",
            "Train a recogniser",
            _train_sentence(counts, trained),
            "Train a recogniser",
            counts.models > 0,
            Role.OWNER,
        ),
        Step(
            "recognise",
            "Recognise people",
            "Find out who is in a new photo" + ("." if counts.models else ", once a recogniser is trained."),
            "Recognise people",
            False,
            Role.VIEWER,
        ),
    ]


def _import_sentence(counts: Counts) -> str:
    if counts.photos and not counts.faces:
        return "No faces found so far. Import photos of people."
    if counts.photos:
        return f"{count(counts.photos - counts.failed, 'photo')} with {count(counts.faces, 'face')} imported."
    return "Choose a folder or upload photos. Your files are only read, never changed."


def _group_sentence(counts: Counts) -> str:
    if counts.clusters:
        return f"{count(counts.clusters, 'group')} of faces that look like the same person."
    return "Runs automatically after each import and groups faces of the same person."


def _name_sentence(counts: Counts) -> str:
    if counts.people:
        people, unnamed = count(counts.people, "person", "people"), count(counts.unnamed, "face")
        more = "" if counts.people > 1 else " Name one more person before you train."
        return f"{people} named, {unnamed if counts.unnamed else 'no face'} left to name.{more}"
    return "Name the groups. One name applies to a whole group of faces."


def _train_sentence(counts: Counts, trained: str) -> str:
    if counts.models:
        return f"Trained {trained}. Train again after naming more faces."
    return "It learns these people from your names and answers “unknown” for everyone else."
