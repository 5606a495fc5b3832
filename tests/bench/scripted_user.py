"""Somebody who knows everyone and names faces in a browser, by real keys and clicks, and counts what it takes.

The user of the queue answers what is asked; the user of the groups goes from one group to the next on the page
Faces, then through the single faces. Both see only what is on the page.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

LOOK_SECONDS, FACE_SECONDS, KEY_SECONDS, CLICK_SECONDS = 1.5, 0.5, 0.2, 0.5
"""What a question takes to be understood, each of several single faces to be recognised, a key to be pressed, and a
face to be clicked."""

SETTLED_SECONDS = 4.0
"""A page that has nothing to ask for this long is taken for done: the worker may be about to ask more."""

STRANGER = ""

_CARD = """() => {
  const host = [...document.querySelectorAll('*')].find(one => one.shadowRoot?.querySelector('.stage'))
  const root = host?.shadowRoot.querySelector('.root')
  if (!root || root.getAttribute('aria-busy')) return null
  const id = image => Number(/faces.(\\d+)/.exec(image.src)?.[1] ?? 0)
  const ids = within => [...within.querySelectorAll('img')].map(id)
  if (![...root.querySelectorAll('.faces img')].every(one => one.complete)) return null
  return {
    title: root.querySelector('h2').textContent, reason: root.querySelector('.reason').textContent,
    faces: ids(root.querySelector('.faces')), error: root.querySelector('.error').textContent,
    sides: [...root.querySelectorAll('.strip')].map(ids),
    answers: [...root.querySelectorAll('.answers button')].map(
      one => [one.querySelector('span').textContent, one.querySelector('kbd')?.textContent ?? '']),
  }
}"""

_GRID = """() => {
  const every = [...document.querySelectorAll('*')]
  const host = every.find(one => one.shadowRoot?.querySelector('[role=listbox].faces'))
  const box = host?.shadowRoot.querySelector('[role=listbox].faces')
  return box ? [...box.querySelectorAll('.face')].map(one => Number(one.dataset.id)) : null
}"""

_OPTIONS = """() => {
  const host = [...document.querySelectorAll('*')].find(one => one.shadowRoot?.querySelector('[role=combobox]'))
  return [...host.shadowRoot.querySelectorAll('.list li')].map(one => one.querySelector('.who').textContent)
}"""


@dataclass
class Effort:
    """What was done. waits: seconds from an answer's last key or click until the next faces are on the page."""

    questions: Counter[str] = field(default_factory=Counter)
    faces: int = 0
    keys: int = 0
    clicks: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def human_seconds(self) -> float:
        """Without any waiting."""
        looked = LOOK_SECONDS * self.questions.total() + FACE_SECONDS * self.faces
        return looked + KEY_SECONDS * self.keys + CLICK_SECONDS * self.clicks


class Hand:
    """Presses keys and clicks, at a pace: 1 as people do, 0 without any rest."""

    def __init__(self, page: Page, pace: float) -> None:
        self.page, self.effort, self._pace = page, Effort(), pace
        self.last = time.perf_counter()

    def look(self, kind: str, new: int = 0) -> None:
        """new: faces that are each somebody else, to be looked at one by one."""
        self.effort.questions[kind] += 1
        self.effort.faces += new
        self._rest(LOOK_SECONDS + FACE_SECONDS * new)

    def press(self, key: str) -> None:
        self._rest(KEY_SECONDS)
        self.last = time.perf_counter()
        self.page.keyboard.press(key)
        self.effort.keys += 1

    def click(self, selector: str) -> None:
        self._rest(CLICK_SECONDS)
        self.last = time.perf_counter()
        self.page.locator(selector).first.click()
        self.effort.clicks += 1

    def type_until_offered(self, name: str) -> bool:
        """Type a name into the box, only as far as needed until the list has it first; whether it has it."""
        for letter in name:
            self.press(letter if letter != " " else "Space")
            if self._offered()[0] == name:
                return True
        return False

    def _offered(self) -> list[str]:
        """What the list has for what is typed: at least a new person, once the people have come."""
        self.page.wait_for_function(f"() => ({_OPTIONS})().length")
        offered: list[str] = self.page.evaluate(_OPTIONS)
        return offered

    def painted(self) -> None:
        """The answer has had its effect."""
        self.effort.waits.append(time.perf_counter() - self.last)

    def _rest(self, seconds: float) -> None:
        if self._pace:
            self.page.wait_for_timeout(1000 * seconds * self._pace)


class QueueUser:
    """Answers the page Name faces until nothing is asked any more. names: of faces, by id, STRANGER for people
    nobody knows."""

    def __init__(self, page: Page, names: Mapping[int, str], pace: float = 0.0) -> None:
        self.page, self.names, self.hand = page, names, Hand(page, pace)
        self._known, self._seen = set[str](), set[int]()

    def run(self, at_most: int = 10_000) -> Effort:
        card = self._next()
        while card is not None and self.hand.effort.questions.total() < at_most:
            self._answer(card)
            card = self._next()
            if card is not None:
                self.hand.painted()
        return self.hand.effort

    def _next(self) -> dict[str, Any] | None:
        """The next question, once its pictures are there; None when there is no more."""
        nothing_since: float | None = None
        while True:
            card: dict[str, Any] | None = self.page.evaluate(_CARD)
            if card is not None:
                return card
            if self.page.get_by_text(re.compile("No open questions|That's all")).count() == 0:
                nothing_since = None
            elif nothing_since is None:
                nothing_since = time.perf_counter()
            elif time.perf_counter() - nothing_since > SETTLED_SECONDS:
                return None
            self.page.wait_for_timeout(15)

    def _answer(self, card: dict[str, Any]) -> None:
        asked = re.sub(r"[\d,]+ (faces|times)", r"N \1", card["title"])
        if asked.startswith("Do you know anyone") and not card["error"]:
            self._board(card)
            return
        if card["error"]:  # somebody twice on a photo: yes, really
            self.hand.look("really?")
            self.hand.press("Enter" if self._is_typing() else self._key(card, "Yes"))
        elif asked.startswith("Are") and asked.endswith("same person?"):
            self.hand.look("one person?")
            self.hand.press(self._key(card, "No"))  # this user never gives somebody two names
        elif asked.startswith("Do these two groups"):
            self._two_groups(card)
        elif asked.startswith("Is this really"):
            self._doubt(card, asked.removeprefix("Is this really ").removesuffix("?"))
        elif re.match(r"Is .* in this photo", asked):
            self._twice(card, re.sub(r"^Is (.*) in this photo .*$", r"\1", asked))
        else:
            found = re.match(r"(?:Are these N faces|Is this) (.*)\?$", asked)
            self._who(card, found[1] if found else None)

    def _who(self, card: dict[str, Any], candidate: str | None) -> None:
        is_batch = card["reason"].startswith("About") and len(card["faces"]) > 1
        self.hand.look("several faces" if is_batch else "group" if len(card["faces"]) > 1 else "single face")
        whose = Counter(self.names[face] for face in card["faces"])
        if is_batch and candidate not in whose:
            self.hand.press(self._key(card, "No"))
            return
        right = candidate if is_batch and candidate is not None else _most(whose)
        for face in card["faces"]:
            if self.names[face] != right:
                self.hand.click(f"button.face[data-id='{face}']")
        self._say(card, right, candidate)

    def _board(self, card: dict[str, Any]) -> None:
        """Name whoever is there most often; the others come back, and have been looked at."""
        self.hand.look("several single faces", new=len(set(card["faces"]) - self._seen))
        self._seen.update(card["faces"])
        whose = Counter(self.names[face] for face in card["faces"])
        if (right := _most(whose)) != STRANGER:
            for place in (place for place, face in enumerate(card["faces"]) if self.names[face] == right):
                self.hand.press(str((place + 1) % 10))
            self._say(card, right, None)
        else:
            self.hand.press(self._key(card, "I don’t know anyone here"))

    def _say(self, card: dict[str, Any], name: str, candidate: str | None) -> None:
        """By the shortest key there is."""
        if name == candidate:
            self.hand.press(self._key(card, "Yes"))
        elif name == STRANGER:
            self.hand.press(self._key(card, "Unknown person"))
        elif any(label == name for label, _ in card["answers"]):
            self.hand.press(self._key(card, name))
        else:
            self.hand.press("Enter")
            is_offered = self.hand.type_until_offered(name)
            assert is_offered == (name in self._known), f"{name} was {'' if is_offered else 'not '}offered"
            self.hand.press("Enter" if is_offered else "Shift+Enter")
            self._known.add(name)

    def _two_groups(self, card: dict[str, Any]) -> None:
        self.hand.look("two groups")
        one, other = (_most(Counter(self.names[face] for face in side)) for side in card["sides"])
        if one == other and one != STRANGER:
            self._say(card, one, None)
        else:
            self.hand.press(self._key(card, "No"))

    def _doubt(self, card: dict[str, Any], name: str) -> None:
        self.hand.look("wrong name?")
        right = self.names[card["faces"][0]]
        if right == STRANGER:
            self.hand.press(self._key(card, "No"))
        else:
            self._say(card, right, name)

    def _twice(self, card: dict[str, Any], name: str) -> None:
        self.hand.look("twice?")
        wrong = [face for face in card["faces"] if self.names[face] != name]
        for face in wrong:
            self.hand.click(f"button.face[data-id='{face}']")
        self.hand.press(self._key(card, "No" if wrong else "Yes"))

    def _key(self, card: dict[str, Any], label: str) -> str:
        return str(dict(card["answers"])[label]).lower()

    def _is_typing(self) -> bool:
        return bool(self.page.locator("input.name").evaluate("one => one.getRootNode().activeElement === one"))


class GroupsUser:
    """Names the groups on the page Faces one after the other, then the faces in none."""

    def __init__(self, page: Page, names: Mapping[int, str], pace: float = 0.0) -> None:
        self.page, self.names, self.hand = page, names, Hand(page, pace)
        self._known = set[str]()

    def run(self) -> Effort:
        faces: list[int] | None = self._there()
        while faces:
            faces = self._name(faces, is_group=True)
        self.page.get_by_text("Single faces", exact=True).click()
        faces = self._there()
        while faces:
            faces = self._name(faces, is_group=False)
        return self.hand.effort

    def _there(self) -> list[int] | None:
        self.page.wait_for_timeout(3000)
        faces: list[int] | None = self.page.evaluate(_GRID)
        return faces

    def _name(self, faces: list[int], *, is_group: bool) -> list[int] | None:
        """Name some of the faces on the page; those that are there afterwards."""
        self.hand.look("group" if is_group else "single faces")
        by_name: dict[str, list[int]] = defaultdict(list)
        for face in faces:
            by_name[self.names[face]].append(face)
        name = min(by_name, key=lambda one: len(by_name[one])) if is_group else self.names[faces[0]]
        if not is_group or len(by_name) > 1:
            self._select(by_name[name])
        self._say(name)
        return self._changed(faces)

    def _select(self, faces: Iterable[int]) -> None:
        for face in faces:
            self.hand.click(f".face[data-id='{face}']")

    def _say(self, name: str) -> None:
        if name == STRANGER:
            self.hand.click("button:has-text('Ignore')")
            return
        if not self.page.evaluate(_BOX_HAS_FOCUS):
            self.hand.click("input[role=combobox]")
        if self.hand.type_until_offered(name) and name in self._known:
            self.hand.press("ArrowDown")
        self.hand.press("Enter")
        self._known.add(name)

    def _changed(self, before: list[int]) -> list[int] | None:
        deadline = time.perf_counter() + 20
        while (faces := self.page.evaluate(_GRID)) == before:
            assert time.perf_counter() < deadline, "the page shows the same faces as before"
            self.page.wait_for_timeout(15)
        if faces is None:  # the page is drawn anew, or that was all
            faces = self._there()
        self.hand.painted()
        return None if faces is None else list(faces)


_BOX_HAS_FOCUS = """() => {
  const host = [...document.querySelectorAll('*')].find(one => one.shadowRoot?.querySelector('[role=combobox]'))
  return host?.shadowRoot.activeElement?.getAttribute('role') === 'combobox'
}"""


def _most(whose: Counter[str]) -> str:
    """Whose most are, a known person's before a stranger's."""
    return max(whose, key=lambda name: (name != STRANGER, whose[name]))
