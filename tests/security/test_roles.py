"""Who may do what, checked where it happens: every public method of every part of the library, as each role.

A new method fails here until the table below says whom it is for.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import faceid_core
from faceid_core.errors import FaceIdError, NotAllowed, NotFound
from faceid_core.importing.run import import_photos
from faceid_core.importing.search_again import waiting
from faceid_core.library import EventView, FileBefore, Library, PhotoQuery, ShareView, Undescribed
from faceid_core.library.jobs import needed
from faceid_core.steps import jobs, replay_decisions
from faceid_core.steps.ask import questions, suggestions
from faceid_core.steps.cluster import cluster_faces
from faceid_core.steps.export import export, export_as
from faceid_core.steps.import_names import take_names
from faceid_core.steps.map_faces import map_faces
from faceid_core.steps.recognise import _without
from faceid_core.steps.snapshot import recent_snapshot
from faceid_core.steps.train import train_recogniser
from faceid_core.steps.write_names import undo_writing, write_names
from faceid_core.values import PROGRAM, Actor, Box, ConsentState, Flag, Guess, Presence, Recognised, Role

VIEWER, EDITOR, OWNER = Role.VIEWER, Role.EDITOR, Role.OWNER
VERA, EDI, ELLA, OTTO = (
    Actor("Vera", VIEWER),
    Actor("Edi", EDITOR),
    Actor("Ella", EDITOR),
    Actor("Otto", OWNER),
)

NEEDS: Mapping[str, Mapping[Role, str]] = {
    "": {VIEWER: "acting_as close counts open refuse_open_door actor read_only", OWNER: "problems"},
    "photos": {
        VIEWER: "beside cameras first_and_last get ids is_gone months number page phashes",
        OWNER: "add_many at files fingerprints follow found_at frames knows missing note_copies "
        "number_searched_otherwise searched_otherwise "
        "unchanged with_content",
    },
    "faces": {
        VIEWER: "add_vectors as_drawn background crop crops describe get get_many imported_before missing_vectors "
        "of_cluster of_person of_photo place singles strangers_on undescribed vectors with_flag",
        EDITOR: "add flag move",
    },
    "tags": {VIEWER: "people_on", EDITOR: "add add_person all of remove remove_person", OWNER: "decided"},
    "statistics": {VIEWER: "by_year people_by_year together undated"},
    "exports": {OWNER: "faces preview to_blur vectors without_face"},
    "people": {
        VIEWER: "all find get known",
        EDITOR: "accept answer delete describe give_faces merge name_faces reject remove_faces rename set_cover "
        "training_faces",
    },
    "clusters": {VIEWER: "current faces_as_drawn get numbers page", EDITOR: "save_run"},
    "maps": {VIEWER: "points", EDITOR: "save"},
    "models": {
        VIEWER: "all get latest problems",
        EDITOR: "forget_gone_faces",
        OWNER: "activate add delete note set_threshold",
    },
    "jobs": {
        VIEWER: "active get last_started may_ask recent",
        EDITOR: "cancel pause submit",
        OWNER: "beat cancelled claim fail finish heartbeats interrupt release",
    },
    "job_parts": {OWNER: "beat claim give_up heartbeats release split"},
    "workers": {VIEWER: "report_seconds", OWNER: "all answer ask clock_difference leave put_down register report"},
    "watched": {OWNER: "add all remove"},
    "journal": {
        VIEWER: "may_undo",
        EDITOR: "actors later recent redo redo_all undo",
        OWNER: "audit last_erasure note undo_to",
    },
    "consents": {EDITOR: "ended get set", OWNER: "last_refusal preview refuse_ended"},
    "gallery": {
        VIEWER: "cache_version days faces faces_cache_version file_version lifetimes names negatives newest_face "
        "newest_faces out_of_question probes ruled_out standing strangers twice vectors_of"
    },
    "pair_constraints": {VIEWER: "all", EDITOR: "say"},
    "decisions": {OWNER: "denied faces known of_near_copies pairs people take_over"},
    "written_names": {OWNER: "about_to_change begin entries files forget photo_rewritten photos runs"},
    "erasing": {VIEWER: "unfinished", OWNER: "faces finish leftovers person photos trace"},
    "users": {
        VIEWER: "check exist get has_ended known named",
        OWNER: "add add_first all end_session of_subject remove set_password set_role",
    },
    "tokens": {VIEWER: "find user_of", OWNER: "add all remove"},
    "searches": {EDITOR: "add all remove"},
    "shares": {VIEWER: "number open photo photos", OWNER: "add all count_view remove"},
}
"""Part of the library -> who it takes -> the methods."""

READERS_WRITE = {"add_vectors", "describe", "fill_counts", "set_password"}
"""What writes although somebody only reads: vectors and counts that are computed when they are missing, as well as
one's own password."""

NOON = datetime(2030, 1, 1)
SHARE = ShareView(
    1, PhotoQuery(text="a"), "", None, False, True, False, None, "Otto", NOON, NOON, 0, None, is_valid=True
)
EXAMPLES: Mapping[str, Any] = {
    "actor": VERA, "again": False, "algorithm": "any", "artifact": "none", "classes": [], "copies": [],
    "days": 1, "doing": "", "done": 1, "face": Undescribed(1, 1, "", Box(0, 0, 1, 1), by_hand=True), "found": None,
    "box": Box(1, 1, 50, 50), "embedder": "any", "event_id": 1, "face_id": 1, "faces": [], "fence": 1,
    "heartbeat": None,
    "file": FileBefore(1, "", "", None, None, "", []), "files": [], "flag": Flag.STRANGER, "ids": [1],
    "image": None, "issuer": "none", "job_id": 1, "keep_id": 1, "kind": "cluster", "labels": {},
    "least_quality": 0.0, "findings": [], "held": {1: 1}, "host": "a", "limit": 3,
    "message": "", "metrics": {}, "model_id": 1, "modified_ns": 1, "notes": "",
    "name": "Ada", "number": 1, "numbers": np.ones(1, int), "other_ids": [2],
    "pairs": [(1, 2)], "part_id": 1, "parts": [], "pid": 1, "rate": 1.0, "report": {}, "version": "1",
    "worker_id": 1, "parameters": {}, "params": {}, "password": "tea, no milk", "paths": [], "people": [],
    "detector": "any", "path": "/none", "poll": False, "video_seconds": None,
    "person_id": 1, "photo_id": 1, "photos": [], "places": {},
    "points": np.ones((1, 2), np.float32), "projector": "any",
    "query": PhotoQuery(), "result": {}, "role": OWNER, "run": 1, "run_id": 1, "same": True, "secret": "none",
    "sentence": "", "stored": 1, "share": SHARE, "share_id": 1, "search_id": 1,
    "session_id": "none", "settings": None, "sha256": "", "size_bytes": 1, "stats": {},
    "subject": "none", "summary": "Said", "threshold": 0.5, "token_id": 1, "total": 1,
    "until": datetime(2030, 1, 1), "user": "Ada", "user_id": 1, "vectors": np.zeros((1, 128), np.float32),
    "video": "none", "yes": [], "no": [], "state": ConsentState.GIVEN, "moment": NOON,
    "ignored": False, "units": {}, "who": 1, "presence": Presence.UNSEEN, "tag": "Sea", "today": date(2020, 1, 1),
}  # fmt: skip
"""What a parameter of that name gets."""


def parts(library: Library) -> Iterator[tuple[str, object]]:
    yield "", library
    yield from ((name, part) for name, part in vars(library).items() if name[0] != "_" and name != "settings")


def doors(library: Library) -> Iterator[tuple[str, str]]:
    """(part, method) of everything public."""
    for name, part in parts(library):
        yield from ((name, door) for door, _ in inspect.getmembers(type(part)) if not door.startswith("_"))


def classified() -> dict[tuple[str, str], Role]:
    return {
        (part, door): role
        for part, by_role in NEEDS.items()
        for role, listed in by_role.items()
        for door in listed.split()
    }


def call(part: object, door: str) -> None:
    """Call a method with an example for each parameter that has no default; read a property."""
    method = getattr(part, door)
    if not callable(method):
        return
    wanted = inspect.signature(method).parameters.values()
    if door == "may_undo":
        method(EventView(1, datetime(2030, 1, 1), "somebody", "name", "Named", undone=False))
        return
    given = {
        each.name: EXAMPLES[each.name]
        for each in wanted
        if each.default is each.empty and each.kind is not each.VAR_POSITIONAL
    }
    if door == "take_over":
        given["pairs"] = [(1, 2, True)]
    answer = method(**given)
    if isinstance(answer, Iterator):
        list(answer)


def test_every_method_is_classified(filled: Library) -> None:
    assert set(doors(filled)) == set(classified())


@pytest.mark.parametrize("actor", [VERA, EDI, OTTO], ids=lambda actor: str(actor.role))
def test_every_method_is_refused_to_those_below_its_role_and_to_nobody_else(filled: Library, actor: Actor) -> None:
    mine = filled.acting_as(actor)
    wrong = []
    for (name, door), need in classified().items():
        if (name, door) in {("", "open"), ("", "close")}:
            continue
        part = getattr(mine, name) if name else mine
        allowed = True
        try:
            call(part, door)
        except NotAllowed:
            allowed = False
        except (FaceIdError, ValueError):
            pass  # there is no such thing: the role was not what was wrong
        if allowed != actor.role.includes(need):
            wrong.append(f"{name}.{door}: allowed to a {actor.role}: {allowed}")
    assert wrong == []


def test_what_is_refused_leaves_the_library_as_it_was(filled: Library) -> None:
    before = (filled.counts(), filled.journal.recent(100), filled.jobs.recent(100), filled.gallery.cache_version())
    vera = filled.acting_as(VERA)
    for (name, door), need in classified().items():
        if name and need is not VIEWER:
            with pytest.raises(NotAllowed):
                call(getattr(vera, name), door)
    assert before == (
        filled.counts(), filled.journal.recent(100), filled.jobs.recent(100), filled.gallery.cache_version(),
    )  # fmt: skip


@pytest.mark.slow
def test_what_readers_write_is_known() -> None:
    found = set()
    for file in Path(faceid_core.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(map(_writes_as_viewer, ast.walk(node))):
                found.add(node.name)
    assert found == READERS_WRITE


def _writes_as_viewer(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write"):
        return False
    return any("Role.VIEWER" in ast.unparse(argument) for argument in node.args)


def test_acting_as_somebody_is_the_same_library_with_their_role(filled: Library) -> None:
    viewer = filled.acting_as(VERA)
    assert (viewer.actor.name, filled.actor.role) == ("Vera", OWNER)
    assert viewer == filled and viewer.counts() == filled.counts()
    with pytest.raises(NotAllowed, match=r"needs the role “editor”, and yours is “viewer”; ask an owner\.$"):
        viewer.faces.flag([1], Flag.HIDDEN)
    viewer.close()
    filled.acting_as(EDI).faces.flag([1], Flag.HIDDEN)
    assert filled.journal.recent(1)[0].actor == "Edi"


def test_what_is_computed_for_one_is_kept_for_all(filled: Library) -> None:
    compared = [recent_snapshot(filled.acting_as(actor)).compared for actor in (EDI, ELLA)]
    assert compared[0] is compared[1]
    assert suggestions(filled.acting_as(EDI)) == [] and questions(filled.acting_as(EDI)) is not None


# --- undo of one's own ------------------------------------------------------------------------------------------
def named(library: Library, actor: Actor, face: int, name: str) -> int:
    event = library.acting_as(actor).people.name_faces([face], name).event
    assert event is not None
    return event.id


def test_an_editor_undoes_and_redoes_their_own_and_nobody_elses(filled: Library) -> None:
    mine, hers = named(filled, EDI, 1, "Ada"), named(filled, ELLA, 2, "Bo")
    edi, ella = filled.acting_as(EDI).journal, filled.acting_as(ELLA).journal
    with pytest.raises(NotAllowed, match=r"^This was decided by Ella; ask them, or an owner\.$"):
        edi.undo(hers)
    assert edi.undo().id == mine, "the newest of one's own, though another is newer"
    with pytest.raises(NotFound, match="nothing to undo"):
        filled.acting_as(EDI).journal.undo()
    with pytest.raises(NotAllowed):
        ella.redo(mine)
    assert edi.redo().id == mine and edi.recent(1)[0].undone_by is None
    may = [(event.actor, edi.may_undo(event)) for event in edi.recent(2)]
    assert may == [("Ella", False), ("Edi", True)]


def test_what_an_owner_undid_an_editor_does_not_redo(filled: Library) -> None:
    mine = named(filled, EDI, 1, "Ada")
    undone = filled.acting_as(OTTO).journal.undo(mine)
    assert undone.undone_by == "Otto" and not filled.acting_as(EDI).journal.may_undo(undone)
    for again in (
        lambda: filled.acting_as(EDI).journal.redo(mine),
        lambda: filled.acting_as(EDI).journal.redo_all([mine]),
    ):
        with pytest.raises(NotAllowed, match="undone by Otto"):
            again()
    filled.acting_as(OTTO).journal.redo(mine)


def test_what_the_program_did_is_undone_by_owners_only(filled: Library) -> None:
    event = named(filled, PROGRAM, 1, "Ada")
    with pytest.raises(NotAllowed, match="decided by program"):
        filled.acting_as(EDI).journal.undo(event)
    filled.acting_as(OTTO).journal.undo(event)


# --- jobs -------------------------------------------------------------------------------------------------------
def test_each_kind_of_job_has_its_role() -> None:
    editors = {kind for kind in jobs.KINDS if needed(kind) is EDITOR}
    assert editors == {"cluster", "map"} and needed("whatever comes") is OWNER


@pytest.mark.parametrize("kind", jobs.KINDS)
def test_who_may_ask_for_a_job_may_stop_it(filled: Library, kind: str) -> None:
    submitted = filled.jobs.submit(kind, {})
    for actor in (VERA, EDI):
        mine = filled.acting_as(actor).jobs
        if mine.may_ask(kind):
            assert mine.submit(kind, {"other": 1}).actor == actor.name
            mine.cancel(submitted.id)
            continue
        for act in (lambda: mine.submit(kind, {}), lambda: mine.cancel(submitted.id)):  # noqa: B023
            with pytest.raises(NotAllowed):
                act()


def test_a_job_acts_for_whoever_asked(filled: Library) -> None:
    filled.acting_as(EDI).jobs.submit("cluster", {})
    (job,) = jobs.run_pending(filled)
    assert (job.actor, job.state) == ("Edi", "done")
    assert filled.journal.recent(1)[0].actor == "Edi"
    filled.acting_as(EDI).journal.undo()


def test_a_job_has_no_more_rights_than_asking_for_it_took(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Actor] = []

    def look(library: Library, _: object, __: object) -> dict[str, Any]:
        seen.append(library.actor)
        return {}

    for kind in ("cluster", "train"):
        monkeypatch.setitem(jobs.KINDS, kind, look)
        filled.acting_as(OTTO).jobs.submit(kind, {})
    jobs.run_pending(filled)
    assert seen == [Actor("Otto", EDITOR), Actor("Otto", OWNER)]


def test_only_owners_are_told_which_files_a_job_reads(filled: Library) -> None:
    job = filled.jobs.submit("import", {"paths": ["/home/otto/Pictures"]})
    filled.jobs.claim()
    filled.jobs.finish(
        job.id, {"failed": 1, "failures": [{"path": "/home/otto/1.jpg"}], "left_out": ["/home/otto/x"]}
    )
    for actor, told in ((EDI, False), (VERA, False), (OTTO, True)):
        mine = filled.acting_as(actor).jobs
        for view in (mine.get(job.id), mine.recent(1)[0]):
            assert ("otto" in repr(view)) is told and view.result["failed"] == 1


STEPS: list[tuple[Role, Callable[[Library, Path], object]]] = [
    (OWNER, lambda library, folder: import_photos(library, [folder])),
    (OWNER, lambda library, _: waiting(library)),
    (OWNER, lambda library, _: train_recogniser(library)),
    (OWNER, lambda library, _: take_names(library)),
    (OWNER, lambda library, _: write_names(library)),
    (OWNER, lambda library, _: undo_writing(library)),
    (OWNER, lambda library, folder: export(library, folder / "faces.csv")),
    (OWNER, lambda library, folder: export_as(library, folder / "album.s", "albums")),
    (OWNER, lambda library, folder: replay_decisions.export(library, folder / "decisions.json")),
    (EDITOR, lambda library, _: cluster_faces(library)),
    (EDITOR, lambda library, _: map_faces(library, projector="pca")),
]


@pytest.mark.parametrize("place", range(len(STEPS)))
def test_a_step_refuses_before_it_works(filled: Library, tmp_path: Path, place: int) -> None:
    need, step = STEPS[place]
    for actor in (VERA, EDI):
        if not actor.role.includes(need):
            with pytest.raises(NotAllowed):
                step(filled.acting_as(actor), tmp_path)
    assert list(tmp_path.glob("*.*")) == []


# --- what is hidden ---------------------------------------------------------------------------------------------
def test_viewers_do_not_see_hidden_people_and_faces(filled: Library) -> None:
    ada = filled.people.name_faces([1], "Ada").person_id
    filled.people.name_faces([2], "Bo")
    filled.faces.flag([3], Flag.HIDDEN)
    photo = filled.faces.get(1).photo_id
    filled.maps.save("pca", filled.settings.embedder, np.array([1, 2]), np.zeros((2, 2), np.float32))
    filled.people.describe(ada, hidden=True)
    vera, edi = filled.acting_as(VERA), filled.acting_as(EDI)

    def whom(library: Library) -> list[Any]:
        faces = [face.person for face in library.faces.get_many([1, 2, 3])]
        on_photo = [face.id for face in library.faces.of_photo(photo)]
        groups = {name for group in library.clusters.page(limit=99, unnamed_only=False) for name, _ in group.people}
        people = {person.name for person in library.people.all()}
        return [
            faces,
            on_photo,
            library.maps.points("pca").people,
            groups,
            people,
            library.people.find("ada") is not None,
        ]

    assert whom(edi) == [["Ada", "Bo", None], [1, 2, 3], ["Ada", "Bo"], {"Ada", "Bo"}, {"Ada", "Bo"}, True]
    assert whom(vera) == [["Bo"], [2], ["Bo"], {"Bo"}, {"Bo"}, False]
    refused: list[Callable[[], object]] = [
        lambda: vera.people.get(ada), lambda: vera.faces.crop(1), lambda: vera.faces.crop(3),
        lambda: vera.faces.get(1), lambda: vera.faces.get(3), lambda: vera.faces.place(1),
    ]  # fmt: skip
    for look in refused:
        with pytest.raises(NotFound):
            look()
    assert (edi.counts().people, vera.counts().people) == (2, 1)
    assert edi.faces.crop(1) and edi.faces.crop(3) and vera.faces.crop(2)


def test_a_hidden_person_is_unknown_to_viewers_who_recognise() -> None:
    face = Recognised(Box(0, 0, 1, 1), "Ada", 0.75, (Guess("Bo", 0.2), Guess("Cy", 0.05)))
    seen = _without({"Ada", "Cy"}, face)
    assert (seen.name, seen.probability, seen.runners_up) == (None, 0.25, (Guess("Bo", 0.2),))
    assert _without(set(), face) == face
