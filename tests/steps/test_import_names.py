"""Names from photos become decisions of the library: right faces, one undo, and nothing said here is changed."""

from __future__ import annotations

import doctest
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image as Pillow

from faceid_core.errors import JobCancelled
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.sample import Album
from faceid_core.steps import import_names, jobs
from faceid_core.steps.import_names import NamesTaken, Outcome, survey_names, take_names
from faceid_core.values import LabelSource
from tests.cli.running import faceid
from tests.exchange.test_face_regions import mwg

pytestmark = pytest.mark.slow


@pytest.fixture
def tagged(empty: Library, album: Album, tmp_path: Path) -> tuple[Library, dict[Path, tuple[str, ...]]]:
    """Two photos of several people, with an XMP file beside each; photo -> who is on it, from left to right."""
    upright = [name for name in album.photos if images.described(album.folder / name)[1] == 1]
    names = sorted(upright, key=lambda name: -len(album.photos[name]))[:2]
    people = {}
    for name in names:
        path = Path(shutil.copy(album.folder / name, tmp_path / name))
        write_xmp(path, album)
        people[path] = tuple(face.person for face in album.photos[name])
    import_photos(empty, [*people])
    return empty, people


def write_xmp(path: Path, album: Album) -> None:
    """The album's truth as regions, larger than the faces, as people draw them, and one where nobody is."""
    with Pillow.open(path) as image:
        width, height = image.size
    boxes = [(face.person, face.box) for face in album.photos[path.name]]
    items = [region(who, (b.left + b.right) / 2 / width, (b.top + b.bottom) / 2 / height, 1.2 * b.width / width,
                    1.2 * b.height / height) for who, b in boxes]  # fmt: skip
    path.with_name(f"{path.name}.xmp").write_bytes(mwg("".join([*items, region("Ghost", 0.01, 0.01, 0.01, 0.01)])))


def region(name: str, x: float, y: float, width: float, height: float) -> str:
    area = f"stArea:x='{x}' stArea:y='{y}' stArea:w='{width}' stArea:h='{height}'"
    return f"<rdf:li mwg-rs:Name='{name}' mwg-rs:Type='Face'><mwg-rs:Area {area}/></rdf:li>"


Tagged = tuple[Library, dict[Path, tuple[str, ...]]]


def named(library: Library) -> dict[str, list[str | None]]:
    found = {}
    for photo in library.photos.page():
        faces = sorted(library.faces.of_photo(photo.id), key=lambda face: face.box.left)
        found[Path(photo.path).name] = [face.person for face in faces]
    return found


def test_faces_get_the_names_of_their_photos(tagged: Tagged) -> None:
    library, people = tagged
    done = take_names(library)
    faces = [name for names in people.values() for name in names]
    assert done == NamesTaken(2, len(set(faces)), len(faces), 0, 0, 2)
    assert named(library) == {path.name: [*names] for path, names in people.items()}
    assert {face.source for photo in library.photos.page() for face in library.faces.of_photo(photo.id)} == {
        LabelSource.IMPORTED.value
    }
    assert "Ghost" not in {person.name for person in library.people.all()}
    again = take_names(library)
    assert (again.taken, again.known, len(library.journal.recent(9))) == (0, len(faces), 1)
    library.journal.undo()
    assert not any(name for names in named(library).values() for name in names)
    assert library.people.all() == []


def test_what_was_said_here_stays(tagged: Tagged) -> None:
    library, people = tagged
    (path, names), *_ = people.items()
    photo = next(photo.id for photo in library.photos.page() if photo.path == str(path))
    left, *_, right = sorted(library.faces.of_photo(photo), key=lambda face: face.box.left)
    library.people.name_faces([left.id], "Somebody Else")
    library.people.name_faces([right.id], names[-1].upper())
    done = take_names(library)
    assert (done.taken, done.known, done.disagreeing) == (sum(map(len, people.values())) - 2, 1, 1)
    assert library.faces.get(left.id).person == "Somebody Else"
    assert library.faces.get(right.id).person == names[-1].upper()
    assert all(person.faces for person in library.people.all())


def test_a_name_that_was_denied_stays_denied(tagged: Tagged) -> None:
    library, _ = tagged
    faces = [face.id for photo in library.photos.page() for face in library.faces.of_photo(photo.id)]
    take_names(library)
    person = library.people.all()[0]
    (face, *_) = [face.id for face in library.faces.of_person(person.id)]
    library.people.remove_faces([face], person.id)
    done = take_names(library)
    assert (done.taken, done.known, done.disagreeing) == (0, len(faces) - 1, 1)
    assert library.faces.get(face).person is None


def test_nobody_is_named_before_their_birth_or_after_their_death(tagged: Tagged) -> None:
    library, people = tagged
    photos = {Path(photo.path): photo for photo in library.photos.page()}
    (path, who), (elsewhere, _) = people.items()
    taken_at = photos[path].taken_at
    assert taken_at is not None
    unborn, dead, alive = [*dict.fromkeys(who)][:3]
    day, days = taken_at.date(), timedelta(1)
    dates = {unborn: (day + days, None), dead: (None, day - days), alive: (day, day)}
    for face, (name, (born, died)) in zip(
        library.faces.of_photo(photos[elsewhere].id), dates.items(), strict=False
    ):
        library.people.name_faces([face.id], name)
        library.people.describe(library.people.known(name).id, birth_date=born, death_date=died)
    reasons = {each.name: each.reason for each in survey_names(library).names if each.photo == str(path)}
    assert {name: reasons[name] for name in dates} == {
        unborn: import_names.NOT_ALIVE, dead: import_names.NOT_ALIVE, alive: "",
    }  # fmt: skip
    take_names(library)
    assert [name for name in named(library)[path.name] if name in dates] == [alive]
    library.journal.undo()
    assert not any(named(library)[path.name]), "one undo takes the whole import back"


def test_a_cancelled_job_takes_nothing(tagged: Tagged) -> None:
    library, _ = tagged

    def stop(done: int, total: int, message: str = "") -> None:
        if done == 1:
            raise JobCancelled("enough")

    with pytest.raises(JobCancelled):
        take_names(library, progress=stop)
    assert library.people.all() == []


def test_as_a_job_and_on_the_command_line(tagged: Tagged) -> None:
    library, people = tagged
    library.jobs.submit("names", {})
    (job,) = jobs.run_pending(library)
    assert job.state == "done" and job.result["taken"] == sum(map(len, people.values()))
    assert library.journal.recent(1)[0].actor == "owner"
    ran = faceid("--library", library.settings.library, "decisions", "from-photos", "--json")
    assert ran.code == 0
    assert "No new names found" in ran.err
    assert '"without_face": 2' in ran.out


def test_every_name_is_counted_and_listed(tagged: Tagged) -> None:
    library, people = tagged
    (path, names), *_ = people.items()
    sidecar = path.with_name(f"{path.name}.xmp")
    long = "N" * 101
    text = sidecar.read_text(encoding="utf-8").replace(f"'{names[0]}'", f"'{long}'")
    sidecar.write_text(text, encoding="utf-8")
    (path.parent / f"{[*people][1].stem}.xmp").write_text("no xml", encoding="utf-8")
    survey = survey_names(library)
    assert library.people.all() == []
    done = take_names(library)
    assert survey.summary() == done
    assert (done.refused, done.unreadable, done.taken) == (1, 1, sum(map(len, people.values())) - 1)
    assert done.found == sum(map(len, people.values())) + 2 == len([each for each in survey.names if each.name])
    (refused,) = [each for each in survey.names if each.name == long]
    assert refused.reason == "that name has 101 characters; use at most 100"
    assert {each.outcome for each in survey.names} == {Outcome.TAKEN, Outcome.REFUSED, Outcome.WITHOUT_FACE}
    ran = faceid("--library", library.settings.library, "decisions", "from-photos", "--json")
    assert "that name has 101 characters" in ran.err and "is not XML" in ran.err
    assert len(ran.json["names"]) == len(survey.names)
    assert {each["outcome"] for each in ran.json["names"]} == {"known", "refused", "without_face"}


def test_regions_of_a_turned_picture_name_nobody(tagged: Tagged) -> None:
    """The regions were drawn before the picture was turned by another program: its faces are elsewhere now."""
    library, people = tagged
    for path in people:
        with Pillow.open(path) as image:
            width, height = image.size
        put_size(path, height, width)
    done = take_names(library)
    assert (done.taken, done.refused) == (0, sum(map(len, people.values())) + 2)
    assert library.people.all() == []


def lay_down(path: Path) -> None:
    """Store a photo lying on its side, with the EXIF orientation that puts it upright again."""
    with Pillow.open(path) as image:
        exif = Pillow.Exif()
        exif[0x0112] = 6
        image.convert("RGB").transpose(Pillow.Transpose.ROTATE_90).save(path, quality=95, exif=exif)


def put_size(path: Path, width: int, height: int) -> None:
    """AppliedToDimensions into the sidecar of a photo."""
    sidecar = path.with_name(f"{path.name}.xmp")
    packet = sidecar.read_text(encoding="utf-8")
    declared = "xmlns:d='http://ns.adobe.com/xap/1.0/sType/Dimensions#' rdf:parseType='Resource'"
    size = f"<mwg-rs:AppliedToDimensions d:w='{width}' d:h='{height}'/>"
    sidecar.write_text(packet.replace("rdf:parseType='Resource'>", f"{declared}>{size}", 1), encoding="utf-8")


@pytest.mark.parametrize("meant", ["upright", "stored"])
def test_the_faces_tell_which_picture_regions_were_drawn_on(
    meant: str, empty: Library, album: Album, tmp_path: Path
) -> None:
    """Both kinds of files are about, and both have the size of the upright picture in AppliedToDimensions."""
    name = max(album.photos, key=lambda each: len(album.photos[each]))
    path = Path(shutil.copy(album.folder / name, tmp_path / name))
    with Pillow.open(path) as image:
        width, height = image.size
    write_xmp(path, album)
    if meant == "stored":
        boxes = [(face.person, face.box) for face in album.photos[name]]
        turned = [
            region(who, (b.top + b.bottom) / 2 / height, 1 - (b.left + b.right) / 2 / width, b.height / height,
                   b.width / width) for who, b in boxes
        ]  # fmt: skip
        path.with_name(f"{path.name}.xmp").write_bytes(mwg("".join(turned)))
    put_size(path, width, height)
    lay_down(path)
    import_photos(empty, [path])
    take_names(empty)
    assert named(empty) == {name: [face.person for face in album.photos[name]]}


def test_the_words() -> None:
    assert doctest.testmod(import_names).failed == 0
    assert NamesTaken(0, 0, 0, 0, 0, 0).in_words() == "No new names found"
    assert NamesTaken(1, 1, 1, 0, 2, 1).in_words() == (
        "1 name of 1 person imported; 2 already had another name here and kept it; 1 has no matching face"
    )


def take_out(path: Path, *people: str) -> None:
    """The JSON that Google Takeout puts beside a photo."""
    told = {"title": path.name, "people": [{"name": name} for name in people]}
    path.with_name(f"{path.name}.supplemental-metadata.json").write_text(json.dumps(told), encoding="utf-8")


def test_a_name_without_a_place_goes_only_to_the_one_face_it_can_be(tagged: Tagged) -> None:
    library, people = tagged
    (path, names), (other, _) = people.items()
    for each in people:
        each.with_name(f"{each.name}.xmp").unlink()
    take_out(path, *names)
    take_out(other, "Nobody Here")
    done = take_names(library)  # several people, several faces: nobody knows who is who
    assert (done.taken, done.without_face, library.people.all()) == (0, len(names) + 1, [])
    photo = next(photo.id for photo in library.photos.page() if photo.path == str(path))
    faces = sorted(library.faces.of_photo(photo), key=lambda face: face.box.left)
    for face, name in zip(faces[:-1], names[:-1], strict=True):
        library.people.name_faces([face.id], name)
    done = take_names(library)
    assert (done.taken, done.known, done.without_face) == (1, len(names) - 1, 1)
    assert library.faces.get(faces[-1].id).person == names[-1]
    assert take_names(library).known == len(names)
