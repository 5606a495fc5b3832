"""What each role sees: every page with every button, none of which is refused; and what stale pages are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.errors import NotAllowed, PathNotFound
from faceid_core.library import Library
from faceid_core.values import Actor, Flag, Role
from tests.webapp.conftest import EMBEDDER, OpenPage, opened_photo, texts
from webapp import app, context
from webapp.app_pages.people import MERGE, REMOVE_NAME

ACTORS = [Actor("Vera", Role.VIEWER), Actor("Edi", Role.EDITOR), Actor("Otto", Role.OWNER)]
MODULES = [module for modules in app.PAGES.values() for module in modules]
CASES = [(module, actor) for module in MODULES for actor in ACTORS if actor.role.includes(app.needed(module))]
"""Each page with each role that may open it."""

BECOME = Callable[[Actor], None]


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> BECOME:
    """From now on this actor opens the pages."""
    return lambda actor: monkeypatch.setattr(context, "who", lambda: actor)


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was refused meanwhile, wherever that ended."""
    refused: list[str] = []
    require = Actor.require

    def listening(actor: Actor, need: Role) -> None:
        try:
            require(actor, need)
        except NotAllowed as error:
            refused.append(str(error))
            raise

    monkeypatch.setattr(Actor, "require", listening)
    return refused


@pytest.fixture
def lived_in(filled: Library) -> Library:
    """Groups, a map, people, hidden ones among them, faces set aside, decisions by several people, and a job."""
    ids = filled.faces.vectors(EMBEDDER).ids
    filled.clusters.save_run("test", {}, EMBEDDER, ids, np.arange(6, dtype=np.int64) % 2 + 1)
    filled.maps.save(filled.settings.projector, EMBEDDER, ids, np.zeros((6, 2), np.float32))
    filled.people.name_faces([1], "Ada")
    filled.people.describe(filled.people.name_faces([2], "Bo").person_id, hidden=True)
    filled.acting_as(ACTORS[1]).faces.flag([3], Flag.STRANGER)
    filled.acting_as(ACTORS[1]).journal.undo(filled.acting_as(ACTORS[1]).people.rename(1, "Eve").event.id)  # type: ignore[union-attr]
    filled.jobs.submit("import", {"paths": ["/home/otto/Pictures"]})
    filled.jobs.submit("cluster", {})
    return filled


def every_view(module: str, page: AppTest) -> Iterator[AppTest]:
    """The page as it opens, and its other views."""
    yield page
    if module == "people":
        page.query_params["person"] = "1"
        yield page.run()
    if module == "clusters":
        for view in ("Suggestions", "Single faces", "Set aside"):
            page.session_state["clusters-view"] = view
            yield page.run()


@pytest.mark.slow
@pytest.mark.parametrize(("module", "actor"), CASES, ids=lambda case: str(getattr(case, "role", case)))
def test_no_button_of_a_page_is_refused(
    lived_in: Library, open_page: OpenPage, become: BECOME, refusals: list[str], module: str, actor: Actor
) -> None:
    become(actor)
    buttons = {
        (place, button.key)
        for place, view in enumerate(every_view(module, open_page(module)))
        for button in view.button
        if not button.disabled
    }
    assert refusals == []
    for place, key in sorted(buttons, key=str):
        view = next(v for at, v in enumerate(every_view(module, open_page(module))) if at == place)
        there = [button for button in view.button if button.key == key and not button.disabled]
        if there:  # an act before may have taken it away
            after = there[0].click().run()
            assert not after.exception
        assert refusals == [], key


@pytest.mark.parametrize(
    ("module", "actor"),
    [case for case in CASES if case[1].role is not Role.OWNER],  # other tests open pages as the owner
    ids=lambda case: str(getattr(case, "role", case)),
)
def test_every_page_opens(
    lived_in: Library, open_page: OpenPage, become: BECOME, refusals: list[str], module: str, actor: Actor
) -> None:
    become(actor)
    page = open_page(module)
    assert not page.exception and not page.error and refusals == []


def test_the_navigation_shows_what_one_may_open() -> None:
    pages = {actor.role: {module for module, one in CASES if one == actor} for actor in ACTORS}
    assert pages[Role.VIEWER] == {"home", "photos", "map", "people", "recognise", "statistics"}
    assert pages[Role.EDITOR] - pages[Role.VIEWER] == {"clusters", "history", "name_faces"}
    assert pages[Role.OWNER] == set(MODULES)


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: str(actor.role))
def test_every_address_is_known_and_only_what_one_may_open_is_shown(
    lived_in: Library, monkeypatch: pytest.MonkeyPatch, actor: Actor
) -> None:
    class Drawn(Exception):
        """The navigation was drawn; nothing after it matters here."""

    found: dict[str, bool] = {}

    def draw(sections: dict[str, list[tuple[str, bool]]], **_: object) -> None:
        found.update(page for pages in sections.values() for page in pages)
        raise Drawn

    def page(module: str, title: str, icon: str, *, hidden: bool = False) -> tuple[str, bool]:
        return module, hidden

    monkeypatch.setattr(app, "_page", page)
    monkeypatch.setattr("webapp.app.st.navigation", draw)
    with pytest.raises(Drawn):
        app._signed_in(actor)
    assert found == {module: not actor.role.includes(app.needed(module)) for module in MODULES}


def test_a_page_that_is_not_for_one_says_so(
    become: BECOME, lived_in: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address is known, whatever the navigation shows."""
    shown: list[str] = []
    become(ACTORS[0])
    monkeypatch.setattr(app, "who", context.who)
    monkeypatch.setattr("webapp.feedback.st.error", lambda sentence, icon: shown.append(sentence))
    monkeypatch.setattr("webapp.app.st.title", shown.append)
    app._runner("history", "History")()
    assert shown == ["History", "This needs the role “editor”, and yours is “viewer”; ask an owner."]


def test_who_cannot_train_is_told_whom_to_ask(filled: Library, open_page: OpenPage, become: BECOME) -> None:
    become(ACTORS[0])
    page = open_page("recognise")
    assert "No recogniser yet" in texts(page) and "Ask an owner of this library to train one." in texts(page)


def test_viewers_find_no_way_to_change_anything(lived_in: Library, open_page: OpenPage, become: BECOME) -> None:
    become(ACTORS[0])
    home, photos, people = open_page("home"), open_page("photos"), open_page("people")
    everything = "\n".join(map(texts, (home, photos, people)))
    assert "Recent decisions" not in everything and "Import" not in everything.replace("Importing photos", "")
    assert not [button.key for page in (home, photos) for button in page.button if "cancel" in str(button.key)]
    assert "Bo" not in everything and not people.toggle
    people.query_params["person"] = "1"
    assert {button.label for button in people.run().button} == {"All people"}
    people.query_params["person"] = "2"
    assert "That person is no longer in the library" in texts(people.run())


def test_an_editor_names_and_undoes_but_erases_nothing(
    lived_in: Library, open_page: OpenPage, become: BECOME
) -> None:
    become(ACTORS[1])
    people = open_page("people")
    people.query_params["person"] = "1"
    labels = {button.label for button in people.run().button}
    assert "Edit" in labels
    assert people.menu_button(key="more-acts").options == [MERGE, REMOVE_NAME]
    history = {str(button.key).split("-")[0] for button in open_page("history").button}
    assert "back" not in history
    mine = {event.id for event in lived_in.journal.recent(99) if event.actor == "Edi"}
    page = open_page("history")
    undoable = {
        int(str(button.key).split("-")[1]) for button in page.button if str(button.key)[:5] in ("undo-", "redo-")
    }
    assert undoable == mine


def test_history_shows_the_decisions_of_one_person(lived_in: Library, open_page: OpenPage) -> None:
    page = open_page("history")
    assert "Named 1 face “Ada”" in texts(page)
    page = page.selectbox(key="history-by").select("Edi").run()
    assert "Named 1 face" not in texts(page) and "Ignored 1 face" in texts(page)
    assert "just now · Edi" in texts(page)


def test_a_stale_page_is_told_which_role_it_takes(lived_in: Library, open_page: OpenPage, become: BECOME) -> None:
    become(ACTORS[1])
    page = open_page("people")
    page.query_params["person"] = "1"
    page = page.run()
    become(ACTORS[0])  # meanwhile the role was taken away
    page = page.menu_button(key="more-acts").click(REMOVE_NAME).run()
    assert "This needs the role “editor”, and yours is “viewer”; ask an owner." in texts(page)
    assert lived_in.people.get(1).name == "Ada"


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: str(actor.role))
def test_only_owners_read_where_files_lie(become: BECOME, lived_in: Library, actor: Actor) -> None:
    become(actor)
    sentence = context.in_words(PathNotFound("There is no file or folder /home/otto/My photos; check it."))
    assert ("/home/otto" in sentence) is (actor.role is Role.OWNER) and "My photos; check it." in sentence


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: str(actor.role))
def test_a_photo_tells_its_folder_to_whom_it_concerns(
    lived_in: Library, open_page: OpenPage, become: BECOME, actor: Actor
) -> None:
    become(actor)
    newest = lived_in.photos.page(limit=2)[-1]
    page = opened_photo(open_page("photos"), newest.id)
    folder = newest.path.rpartition("/")[0]
    shown, name = texts(page).replace("\\", ""), folder.rpartition("/")[2]
    assert newest.path.rpartition("/")[2] in shown
    assert (f":gray[{folder}]" in shown) is (actor.role is Role.OWNER)
    assert (f":gray[{name}]" in shown) is (actor.role is Role.EDITOR)
