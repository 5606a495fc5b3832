"""Names to and from Immich and PhotoPrism: stand-ins check the requests, and nothing there is overwritten."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceid_core.errors import BadInput, JobCancelled, NotAllowed, ServerUnusable
from faceid_core.exchange.photo_servers import SERVERS, TOKENS, names_of
from faceid_core.library import FaceView, Library
from faceid_core.steps.import_names import take_and_list
from faceid_core.steps.push_names import Push, Pushed, push_names
from faceid_core.values import Actor, Box, Role
from tests.cli.running import faceid, refused
from tests.exchange.photo_server import TOKEN, Face, StandIn, running
from tests.sharing import new_library
from tests.steps.test_write_names import add_photo


@pytest.fixture(params=[*SERVERS])
def server(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    with running(StandIn(request.param)) as served:
        yield served


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(new_library(tmp_path / "library")) as opened:
        yield opened


def faces_of(library: Library, photo: int) -> tuple[FaceView, Box]:
    """The photo's only face, and its box in shares."""
    (face,) = library.faces.of_photo(photo)
    view = library.photos.get(photo)
    edges = zip(face.box.as_tuple(), (view.width, view.height) * 2, strict=True)
    return face, Box(*(edge / side for edge, side in edges))


@pytest.fixture
def photos(library: Library, tmp_path: Path) -> list[Path]:
    """Four photos of Ada, a face each."""
    paths = [tmp_path / f"{number}.jpg" for number in range(4)]
    for path in paths:
        add_photo(library, path)
    library.people.name_faces([faces_of(library, number)[0].id for number in range(1, 5)], "Ada")
    return paths


def push(library: Library, server: StandIn, *, dry_run: bool = False) -> Push:
    return push_names(library, SERVERS[server.kind](server.url, TOKEN), dry_run=dry_run)


def test_faces_without_a_name_get_it_and_others_keep_theirs(
    library: Library, server: StandIn, photos: list[Path]
) -> None:
    box = faces_of(library, 1)[1]
    larger = Box(box.left - 0.01, box.top - 0.01, box.right + 0.01, box.bottom + 0.01)
    server.hold(photos[0], Face(larger), Face(Box(0.9, 0.9, 0.99, 0.99)))
    server.hold(photos[1], Face(box, "Ada"))
    server.hold(photos[2], Face(box, "Bo"))  # photos[3] is not there
    plan = push(library, server, dry_run=True)
    assert server.writes == [] and plan.changes == 1
    assert [each.outcome for each in plan.names] == [Pushed.NAMED, Pushed.KNOWN, Pushed.OTHER]
    assert plan.in_words() == (
        "1 face would be named; 1 had that name already; 1 has another name there and keeps it; "
        "1 photo is not on the server"
    )
    assert push(library, server).changes == 1
    assert server.named() == ["", "Ada", "Ada", "Bo"]
    assert push(library, server).changes == 0, "a second run changes nothing"


def test_a_face_that_the_server_did_not_find_is_added_in_its_place(
    library: Library, server: StandIn, photos: list[Path]
) -> None:
    server.hold(photos[0])
    assert push(library, server).in_words().startswith("0 faces were named; 1 that the server did not find added")
    (added,) = server.faces
    box = faces_of(library, 1)[1]
    assert added.name == "Ada" and added.box.iou(box) > 0.95
    assert push(library, server).changes == 0


def test_hidden_people_are_told_to_nobody(library: Library, server: StandIn, photos: list[Path]) -> None:
    server.hold(photos[0], Face(faces_of(library, 1)[1]))
    ada = library.people.all()[0]
    library.people.describe(ada.id, name="Ada", birth_date=None, hidden=True)
    assert push(library, server).photos == 0 and server.writes == []


def test_only_owners_push(library: Library, server: StandIn) -> None:
    with pytest.raises(NotAllowed):
        push(library.acting_as(Actor("Edi", Role.EDITOR)), server)


def test_a_run_that_was_broken_off_goes_on(library: Library, server: StandIn, photos: list[Path]) -> None:
    for photo in photos:
        server.hold(photo, Face(faces_of(library, 1)[1]))

    def stop(done: int, total: int, message: str = "") -> None:
        if done == 2:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        push_names(library, SERVERS[server.kind](server.url, TOKEN), progress=stop)
    assert server.named().count("Ada") == 2
    assert push(library, server).changes == 2


def test_names_there_come_in_as_one_decision(library: Library, server: StandIn, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(2)]
    for path in paths:
        add_photo(library, path)
    box = faces_of(library, 1)[1]
    server.hold(paths[0], Face(box, "Grace"), Face(Box(0.9, 0.9, 0.99, 0.99), "Nobody here"))
    server.hold(paths[1], Face(box))
    api = SERVERS[server.kind](server.url, TOKEN)
    found = take_and_list(library, source=lambda path: names_of(api, path)).summary()
    assert (found.taken, found.without_face) == (1, 1)
    assert [faces_of(library, photo)[0].person for photo in (1, 2)] == ["Grace", None]
    library.journal.undo()
    assert faces_of(library, 1)[0].person is None


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((500, b"{}"), "answered 500"),
        ((302, b"{}"), "answered 302"),
        ((200, b"<html>"), "no JSON"),
        ((200, b"[1]"), "another form"),
        ((200, b'{"assets": {"items": [{}]}}'), "another form"),
        ((403, b"{}"), "refuses the key"),
    ],
)
def test_what_a_server_may_answer_ends_in_a_sentence(
    library: Library, server: StandIn, photos: list[Path], answer: tuple[int, bytes], sentence: str
) -> None:
    server.answer = answer
    with pytest.raises(ServerUnusable, match=sentence) as error:
        push(library, server)
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize("url", ["photos.example.org", "ftp://a", "http://me:word@example.org", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="address"):
        SERVERS["immich"](url, TOKEN)


def test_the_token_is_in_no_file_no_log_and_no_output(
    library: Library, server: StandIn, photos: list[Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    server.hold(photos[0], Face(faces_of(library, 1)[1]))
    monkeypatch.setenv(TOKENS[server.kind], TOKEN)
    at = ("--library", tmp_path / "library", "names")
    dry = faceid(*at, "push", server.kind, server.url, "--dry-run", "--json")
    assert dry.json["names"][0]["outcome"] == "named" and server.writes == []
    ran = faceid(*at, "push", server.kind, server.url, "--yes")
    assert "1 face would be named" in ran.err and "1 face was named" in ran.err
    pulled = faceid(*at, "pull", server.kind, server.url, "--json")
    assert pulled.json["known"] == 1
    told = [dry.out, dry.err, ran.out, ran.err, pulled.out, pulled.err, caplog.text]
    assert not any(TOKEN in text for text in told)
    stored = [path for path in (tmp_path / "library").rglob("*") if path.is_file() and not path.is_symlink()]
    assert not any(TOKEN.encode() in path.read_bytes() for path in stored)
    monkeypatch.setenv(TOKENS[server.kind], "wrong")
    refused(faceid(*at, "push", server.kind, server.url), "refuses the key")
