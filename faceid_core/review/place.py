"""Where a user is in the queue of questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from faceid_core.review.queue import Kind, Question


@dataclass
class Place:
    """Shared by all tabs of a user.

    skipped: keys of the questions to ask last. back: the question to ask next: the one that was undone, or a board
    with faces left. done: the events made here, each with its question, newest last.
    """

    skipped: dict[str, None] = field(default_factory=dict)
    back: Question | None = None
    done: list[tuple[int, Question]] = field(default_factory=list)

    def order(self, questions: Sequence[Question]) -> Iterator[Question]:
        """The questions in the order in which this user gets them, without skipped ones."""
        if self.back is not None:
            yield self.back
        yield from filter(None, map(self._left_of, questions))

    def skips(self, question: Question) -> bool:
        """Whether it is skipped with all its faces."""
        return self._left_of(question) is None

    def skip(self, question: Question) -> None:
        """Ask it last."""
        self.skipped.update(dict.fromkeys(_keys(question)))
        self._leave(question)

    def answered(self, event: int, question: Question) -> None:
        """Note that this event answered it. The faces of a board that were not chosen come next."""
        self.done.append((event, question))
        if question.kind is Kind.SINGLES:
            self.back = question
        else:
            self._leave(question)

    def undone(self, event: int) -> None:
        """Go back to the question of an event that was undone, if it was made here."""
        question = next((question for one, question in self.done if one == event), None)
        self.done = [item for item in self.done if item[0] != event]
        if question is not None:
            self.back = question
            for key in _keys(question):
                self.skipped.pop(key, None)

    def start_over(self) -> None:
        """Ask skipped questions again."""
        self.skipped.clear()

    def _leave(self, question: Question) -> None:
        if self.back is not None and self.back.key == question.key:
            self.back = None

    def _left_of(self, question: Question) -> Question | None:
        """The question without skipped faces; None if nothing is left."""
        keys = _keys(question)
        if not self.skipped.keys() & set(keys):
            return question
        if question.kind is not Kind.SINGLES:
            return None
        faces = tuple(face for face, key in zip(question.faces, keys, strict=True) if key not in self.skipped)
        return replace(question, faces=faces, size=len(faces)) if faces else None


def _keys(question: Question) -> list[str]:
    """The keys by which it is skipped: a board's are those of its faces, as every answer changes the boards."""
    return [f"face-{face}" for face in question.faces] if question.kind is Kind.SINGLES else [question.key]
