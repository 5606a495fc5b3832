"""Where somebody is in the queue of questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from faceid_core.review.queue import Kind, Question


@dataclass
class Place:
    """The same in all tabs of somebody. skipped: keys of questions to be asked last; back: the question that comes
    next: the one to which an undo led, or a board of which some faces are still asked about; done: the events that
    were made here, each with its question, the newest last."""

    skipped: dict[str, None] = field(default_factory=dict)
    back: Question | None = None
    done: list[tuple[int, Question]] = field(default_factory=list)

    def order(self, questions: Sequence[Question]) -> Iterator[Question]:
        """The questions in the order in which they come for this person, without what was skipped."""
        if self.back is not None:
            yield self.back
        yield from filter(None, map(self._left_of, questions))

    def skips(self, question: Question) -> bool:
        """Whether it is put off, with all its faces."""
        return self._left_of(question) is None

    def skip(self, question: Question) -> None:
        """Ask it last."""
        self.skipped.update(dict.fromkeys(_keys(question)))
        self._leave(question)

    def answered(self, event: int, question: Question) -> None:
        """It was answered by this event. Of a board, the faces that were not chosen stay asked about."""
        self.done.append((event, question))
        if question.kind is Kind.SINGLES:
            self.back = question
        else:
            self._leave(question)

    def undone(self, event: int) -> None:
        """An event was undone: go back to its question, if it was made here."""
        question = next((question for one, question in self.done if one == event), None)
        self.done = [item for item in self.done if item[0] != event]
        if question is not None:
            self.back = question
            for key in _keys(question):
                self.skipped.pop(key, None)

    def start_over(self) -> None:
        """Ask what was skipped, too."""
        self.skipped.clear()

    def _leave(self, question: Question) -> None:
        if self.back is not None and self.back.key == question.key:
            self.back = None

    def _left_of(self, question: Question) -> Question | None:
        """Without the faces that were skipped; None where that is all."""
        keys = _keys(question)
        if not self.skipped.keys() & set(keys):
            return question
        if question.kind is not Kind.SINGLES:
            return None
        faces = tuple(face for face, key in zip(question.faces, keys, strict=True) if key not in self.skipped)
        return replace(question, faces=faces, size=len(faces)) if faces else None


def _keys(question: Question) -> list[str]:
    """By which it is skipped: a board by its faces, as boards are put together anew after each answer."""
    return [f"face-{face}" for face in question.faces] if question.kind is Kind.SINGLES else [question.key]
