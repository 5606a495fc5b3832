"""The library as a step finds it: what every step that computes starts from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from faceid_core.library import FaceVectors, Library, NamedFaces, Probes, RunView
from faceid_core.steps.load_vectors import (
    embed_missing,
    is_ours,
    length_of,
    load_embedder,
    load_graph,
    load_vectors,
    normalised,
    same_person,
    unit_of,
)
from faceid_core.values import GalleryFaces, Ints
from faceid_core.vectors import pair_scale
from faceid_core.vectors.neighbours import NeighbourGraph, on_sphere
from faceid_core.vectors.pair_scale import PairScale
from faceid_core.vision.embedder import Embedder


@dataclass(frozen=True, eq=False)
class ComparedFaces:
    """All faces without a flag, their neighbours and their groups: what no name changes.

    Each part is read when it is first asked for, and then kept.
    """

    library: Library

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder that the settings choose. Raises UnknownChoice."""
        return load_embedder(self.library.settings)

    @cached_property
    def faces(self) -> FaceVectors:
        """With vectors of equal length, see neighbours.on_sphere; those that were missing are made first.
        Raises NoPhotos, NoFaces."""
        return normalised(load_vectors(self.library, self.embedder), self.embedder)

    @cached_property
    def graph(self) -> NeighbourGraph:
        """Of the N faces. Raises NoPhotos, NoFaces."""
        return load_graph(self.library, self.faces, self.embedder)

    @cached_property
    def run(self) -> RunView | None:
        """The clustering in force; None before the first one."""
        return self.library.clusters.current()

    @cached_property
    def same_person(self) -> float:
        """The distance below which two of these faces are usually of one person."""
        return same_person(self.library, self.embedder)

    @property
    def unit(self) -> float:
        """How long a distance of 1 on dlib's space is here, see load_vectors.unit_of."""
        return unit_of(self.embedder, self.same_person)

    @cached_property
    def numbers(self) -> Ints:
        """(N,) the number of each face's group, 0 for none. Raises NoPhotos, NoFaces."""
        return self.library.clusters.numbers(self.faces.ids)


@dataclass(frozen=True, eq=False)
class LibrarySnapshot:
    """The faces, and what people decided about them.

    Each part is read when it is first asked for, and then kept: a step reads nothing twice, and all of it works on
    the same faces and decisions, whatever is decided meanwhile.
    """

    compared: ComparedFaces

    @classmethod
    def of(cls, library: Library) -> LibrarySnapshot:
        """Of the library as it is now."""
        return cls(ComparedFaces(library))

    @property
    def library(self) -> Library:
        """Where a step stores what it found."""
        return self.compared.library

    @property
    def embedder(self) -> Embedder:
        """See ComparedFaces."""
        return self.compared.embedder

    @property
    def faces(self) -> FaceVectors:
        """See ComparedFaces."""
        return self.compared.faces

    @property
    def graph(self) -> NeighbourGraph:
        """See ComparedFaces."""
        return self.compared.graph

    @cached_property
    def pair_scale(self) -> PairScale:
        """What the pairs of faces tell that surely show two people, or one. Raises NoPhotos, NoFaces."""
        faces, usual = self.faces, self.embedder.default_threshold / length_of(self.embedder)
        return pair_scale.measure(faces.vectors, faces.photos, self.human_labels, usual=usual)

    @cached_property
    def human_labels(self) -> Ints:
        """(N,) the person of each face, -1 for nobody."""
        names = self.library.gallery.names()
        people = np.full(len(self.faces.ids), -1, np.int64)
        rows = self.faces.rows(names.ids)
        people[rows[rows >= 0]] = names.people[rows >= 0]
        return people

    @cached_property
    def cannot_link(self) -> Ints:
        """(M, 2) ids of two faces of which a human said that they are two people."""
        return self.library.pair_constraints.all(same=False)

    @cached_property
    def must_link(self) -> Ints:
        """(M, 2) ids of two faces of which a human said that they are one person."""
        return self.library.pair_constraints.all(same=True)

    @cached_property
    def ruled_out(self) -> frozenset[tuple[int, int]]:
        """(row, person) that can't be: a human said no, or the person is on the face's photo already."""
        row = {int(face): number for number, face in enumerate(self.faces.ids)}
        return frozenset((row[face], person) for face, person in self.library.gallery.ruled_out(self.faces.ids))

    @cached_property
    def gallery(self) -> GalleryFaces:
        """The best confirmed faces of each person, with vectors of equal length."""
        return self._on_sphere(self.library.gallery.faces(self.embedder.name))

    @cached_property
    def negatives(self) -> GalleryFaces:
        """Faces of which a human said whom they are not, each beside that person."""
        return self._on_sphere(self.library.gallery.negatives(self.embedder.name))

    @cached_property
    def training_faces(self) -> NamedFaces:
        """Faces to train from, after those without a vector of the embedder got one."""
        embed_missing(self.library, self.embedder)
        return self.library.people.training_faces(self.embedder.name)

    def probes(self, limit: int) -> Probes:
        """The best unnamed faces, with vectors of equal length."""
        probes = self.library.gallery.probes(self.embedder.name, limit)
        return replace(probes, vectors=on_sphere(probes.vectors, length_of(self.embedder)))

    def _on_sphere(self, faces: GalleryFaces) -> GalleryFaces:
        return replace(faces, vectors=on_sphere(faces.vectors, length_of(self.embedder)))


def measured_same_person(snapshot: LibrarySnapshot) -> float:
    """The distance below which two faces are usually of one person, as known now. Raises NoPhotos, NoFaces."""
    ours = is_ours(snapshot.embedder)
    return snapshot.embedder.default_threshold if ours else snapshot.pair_scale.same_person


def recent_snapshot(library: Library) -> LibrarySnapshot:
    """For questions that pages ask again and again: people's decisions are read anew, faces and neighbours only
    when faces came or went or were grouped anew."""
    return LibrarySnapshot(_recent_faces(library, library.gallery.faces_cache_version()))


@lru_cache(maxsize=1)
def _recent_faces(library: Library, cache_version: tuple[object, ...]) -> ComparedFaces:
    return ComparedFaces(library)
