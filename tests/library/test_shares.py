"""Links that show one person or one search: what they show, to whom, for how long, and what they never show."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from faceid_core.errors import BadInput, NotAllowed, NotFound, PasswordUnusable
from faceid_core.library import Library, PhotoQuery, ShareView
from faceid_core.library import shares as shares_module
from faceid_core.values import Actor, ConsentState, Flag, PhotoStatus, Role, utc_now


@pytest.fixture
def people(library: Library, faces: list[int]) -> tuple[int, int]:
    """Ada is on the first three of four photos, Bo on the first and the fourth; nobody knows the others."""
    library.people.name_faces([faces[0], faces[2], faces[4]], "Ada")
    library.people.name_faces([faces[1], faces[7]], "Bo")
    return library.people.known("Ada").id, library.people.known("Bo").id


def ids(library: Library, share: ShareView) -> set[int]:
    return {photo.id for photo in library.shares.photos(share, limit=1000)}


def of_person(library: Library, person: int) -> set[int]:
    return {face.photo_id for face in library.faces.of_person(person, limit=1000)}


def share_of(library: Library, *people: int, **options: object) -> tuple[ShareView, str]:
    return library.shares.add(PhotoQuery(people=people), **options)  # type: ignore[arg-type]


def test_a_link_to_a_person_shows_their_photos_and_no_name(library: Library, people: tuple[int, int]) -> None:
    made, secret = share_of(library, people[0])
    share = library.shares.open(secret)
    assert share == made
    assert share.heading == "Shared photos" and share.person == "Ada"
    assert ids(library, share) == of_person(library, people[0])
    assert library.shares.number(share) == len(ids(library, share))
    assert share.expires_at - share.created_at == timedelta(days=14)
    named, _ = share_of(library, people[0], show_name=True)
    titled, _ = share_of(library, people[0], title="Our  summer")
    assert (named.heading, titled.heading) == ("Ada", "Our summer")


def test_only_a_hash_of_the_secret_is_stored(library: Library, people: tuple[int, int]) -> None:
    _, secret = share_of(library, people[0], password="correct horse")
    with library._database.read() as session:
        rows = str(session.execute(text("SELECT * FROM sharelink")).all())
    assert len(secret) >= 43  # 256 bits
    assert secret not in rows and "correct horse" not in rows and "$argon2id$" in rows
    events = str([event.summary for event in library.journal.recent(1)])
    assert secret not in events and "Ada" not in events


@pytest.mark.parametrize("secret", ["", "x" * 43, "\ud800", "../../etc/passwd", "x" * 100_000])
def test_what_is_no_link_is_not_found(library: Library, secret: str) -> None:
    with pytest.raises(NotFound, match="no longer valid"):
        library.shares.open(secret)


def test_expired_and_removed_links_are_the_same(
    library: Library, people: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expiring, first = share_of(library, people[0], days=1)
    removed, second = share_of(library, people[0])
    library.shares.remove(removed.id)
    later = utc_now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(shares_module, "utc_now", lambda: later)
    sentences = set()
    for secret in (first, second, "never"):
        with pytest.raises(NotFound) as gone:
            library.shares.open(secret)
        sentences.add(str(gone.value))
    assert len(sentences) == 1
    assert [(one.id, one.is_valid) for one in library.shares.all()] == [(expiring.id, False)]
    with pytest.raises(NotFound):
        library.shares.remove(removed.id)


def test_who_is_hidden_or_erased_is_gone_at_once(library: Library, people: tuple[int, int]) -> None:
    ada, bo = people
    _, one = share_of(library, ada)
    _, without = library.shares.add(PhotoQuery(folder="/", without=(bo,)))
    library.people.describe(ada, hidden=True)
    with pytest.raises(NotFound):
        library.shares.open(one)
    library.people.describe(ada, hidden=False)
    assert library.shares.open(one)
    library.erasing.person(ada)
    with pytest.raises(NotFound):
        library.shares.open(one)
    assert library.shares.open(without)
    library.people.delete(bo)  # nobody left to leave out: the link must not show more than before
    with pytest.raises(NotFound):
        library.shares.open(without)


def test_a_hidden_face_takes_its_photo_along(library: Library, people: tuple[int, int]) -> None:
    share, _ = share_of(library, people[0])
    face = library.faces.of_person(people[0])[0]
    assert face.photo_id in ids(library, share)
    library.faces.flag([face.id], Flag.HIDDEN)
    assert face.photo_id not in ids(library, share)
    with pytest.raises(NotFound):
        library.shares.photo(share, face.photo_id)


def test_everybody_else_is_blurred(library: Library, people: tuple[int, int]) -> None:
    share, _ = share_of(library, people[0])
    open_share = replace(share, blur_others=False)
    shown = of_person(library, people[0])
    others = 0
    for photo in shown:
        faces = library.faces.of_photo(photo)
        expected = [face.box for face in faces if face.person_id != people[0]]
        assert library.shares.photo(share, photo)[1] == expected
        assert library.shares.photo(open_share, photo)[1] == []
        others += len(expected)
    assert others == 3
    library.people.describe(people[1], hidden=True)
    both = shown & of_person(library, people[1])
    assert both  # hidden people are blurred, whatever the link says
    assert all(library.shares.photo(open_share, photo)[1] for photo in both)


def test_a_photo_of_another_search_is_not_found(library: Library, people: tuple[int, int]) -> None:
    share, _ = share_of(library, people[0])
    others = {photo.id for photo in library.photos.page(limit=1000)} - ids(library, share)
    assert others
    for photo in [*others, 0, -1, 2**62]:
        with pytest.raises(NotFound):
            library.shares.photo(share, photo)


def test_a_search_is_kept_as_it_was_made(library: Library, people: tuple[int, int]) -> None:
    query = PhotoQuery(people=people[:1], without=people[1:], folder="/photos", text=".jpg")
    _, secret = library.shares.add(query, blur_others=False)
    share = library.shares.open(secret)
    assert share.person is None  # a search that goes beyond one person
    assert share.query == replace(query, status=PhotoStatus.DONE)
    assert ids(library, share) == {photo.id for photo in library.photos.page(query=query)} and ids(library, share)


def test_days_of_a_search_are_kept(library: Library, people: tuple[int, int]) -> None:
    days = PhotoQuery(taken_from=date(2020, 1, 2), taken_to=date(2021, 3, 4))
    _, secret = library.shares.add(days)
    assert library.shares.open(secret).query == replace(days, status=PhotoStatus.DONE)


def test_pages_follow_one_another(library: Library, people: tuple[int, int]) -> None:
    share, _ = share_of(library, people[0])
    seen: list[int] = []
    while page := library.shares.photos(share, after=seen[-1] if seen else None, limit=2):
        seen += [photo.id for photo in page]
    assert set(seen) == ids(library, share) and len(seen) == len(set(seen))
    assert {photo.faces for photo in library.shares.photos(share)} == {0}  # how many is no visitor's business


def test_views_are_counted(library: Library, people: tuple[int, int]) -> None:
    share, secret = share_of(library, people[0])
    library.shares.count_view(share.id)
    library.shares.count_view(share.id)
    seen = library.shares.open(secret)
    assert seen.views == 2 and seen.viewed_at is not None


def test_what_cannot_be_shared_is_one_sentence(library: Library, people: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match="Choose a person or a search"):
        library.shares.add(PhotoQuery())
    for days in (0, 366):
        with pytest.raises(BadInput, match="1 to 365 days"):
            share_of(library, people[0], days=days)
    with pytest.raises(PasswordUnusable):
        share_of(library, people[0], password="short")
    with pytest.raises(NotFound, match="hidden, has refused consent or no longer"):
        share_of(library, 999)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_only_an_owner_shares(library: Library, people: tuple[int, int], role: Role) -> None:
    share, _ = share_of(library, people[0])
    other = library.acting_as(Actor("Cy", role))
    with pytest.raises(NotAllowed):
        share_of(other, people[0])
    with pytest.raises(NotAllowed):
        other.shares.remove(share.id)
    with pytest.raises(NotAllowed):
        other.shares.all()


def test_the_history_tells_of_links_and_does_not_offer_to_undo_them(
    library: Library, people: tuple[int, int]
) -> None:
    named = library.journal.recent(1)[0]
    share, _ = share_of(library, people[0])
    library.acting_as(Actor("Dora", Role.OWNER)).shares.remove(share.id)
    removed, made = library.journal.recent(2)
    assert (made.actor, made.summary) == ("owner", f"Made link {share.id}, valid for 14 days")
    assert (removed.actor, removed.summary) == ("Dora", f"Removed link {share.id}")
    assert made.final and removed.final
    with pytest.raises(BadInput, match="page Sharing"):
        library.journal.undo(made.id)
    assert library.journal.undo().id == named.id  # the latest decision that can be undone


def test_whoever_refuses_has_no_link_and_is_blurred_in_all_others(
    library: Library, people: tuple[int, int]
) -> None:
    ada, bo = people
    _, secret = share_of(library, bo)
    everybody, _ = share_of(library, ada, blur_others=False)
    without, _ = library.shares.add(PhotoQuery(people=(ada,), without=(bo,)))
    photo = min(ids(library, everybody) & of_person(library, bo))
    assert library.shares.photo(everybody, photo)[1] == []
    before = ids(library, without)
    library.consents.set(bo, ConsentState.REFUSED)
    with pytest.raises(NotFound, match="no longer valid"):
        library.shares.open(secret)
    with pytest.raises(NotFound, match="has refused"):
        share_of(library, bo)
    (theirs,) = [face for face in library.faces.of_photo(photo) if face.person_id == bo]
    assert library.shares.photo(everybody, photo)[1] == [theirs.box]
    assert ids(library, without) == before and {share.id for share in library.shares.all() if share.is_valid} == {
        2,
        3,
    }
