"""Photos in a bucket: found, read, followed and shown like files; what can't be reached is said in a sentence."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from faceid_core import remote, remote_cache
from faceid_core.errors import NothingToImport, PathNotFound, RemoteUnusable, UnreadableImage
from faceid_core.importing.finding import photos_under
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.media import folders, images
from faceid_core.media.left_out import LeftOuts
from faceid_core.sample import Album
from faceid_core.steps.jobs import run_next
from faceid_core.steps.plan_import import plan_import
from faceid_core.steps.watch import watch_folders
from faceid_core.values import JobState
from faceid_core.wording import without_folders
from tests.cli.running import faceid, refused
from tests.s3 import Bucket

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket, and the environment that leads there."""
    with Bucket.on(s3, monkeypatch) as made:
        yield made


@pytest.fixture
def photos(bucket: Bucket, album: Album) -> list[str]:
    """Three photos, one of them in a folder below."""
    names = sorted(album.photos)[:3]
    for name, place in zip(names, ("", "", "below/"), strict=True):
        bucket.put(f"photos/{place}{name}", (album.folder / name).read_bytes())
    return names


def paths(library: Library) -> list[str]:
    return sorted(photo.path for photo in library.photos.page())


def test_a_bucket_is_imported_like_a_folder(
    empty: Library, bucket: Bucket, photos: list[str], album: Album, tmp_path: Path
) -> None:
    report = import_photos(empty, [f"{bucket.url}/photos"])
    assert (report.photos, report.imported, report.failures) == (3, 3, [])
    one, two, three = photos
    assert paths(empty) == sorted(
        [f"{bucket.url}/photos/{one}", f"{bucket.url}/photos/{two}", f"{bucket.url}/photos/below/{three}"]
    )
    with Library.open(empty.settings.model_copy(update={"library": tmp_path / "other"})) as other:
        import_photos(other, [album.folder / name for name in photos])
        assert other.counts() == empty.counts()
        assert {photo.sha256: 1 for photo in _rows(other)} == {photo.sha256: 1 for photo in _rows(empty)}


def _rows(library: Library) -> Any:
    from sqlmodel import select

    from faceid_core.library.store.tables import Photo

    with library._database.read() as session:
        return session.scalars(select(Photo)).all()


def test_what_is_unchanged_is_not_read(empty: Library, bucket: Bucket, photos: list[str]) -> None:
    import_photos(empty, [f"{bucket.url}/photos"])
    before = bucket.requests()
    report = import_photos(empty, [f"{bucket.url}/photos"])
    assert report.unchanged == report.photos == 3
    assert not [each for each in bucket.requests() - before if photos[0] in each or "GET_OBJECT" in each]


def test_other_content_of_the_same_size_at_the_same_moment_is_noticed(
    empty: Library, bucket: Bucket, photos: list[str]
) -> None:
    """By its ETag."""
    import_photos(empty, [f"{bucket.url}/photos"])
    data = bytearray(bucket.get(f"photos/{photos[0]}"))
    data += b"."
    bucket.put(f"photos/{photos[0]}", bytes(data))
    first = remote.place(f"{bucket.url}/photos/{photos[0]}").stat()
    data[-1:] = b","
    bucket.put(f"photos/{photos[0]}", bytes(data))
    second = remote.RemotePath(f"{bucket.url}/photos/{photos[0]}").stat()
    assert first.st_size == second.st_size and first.st_mtime_ns != second.st_mtime_ns
    report = import_photos(empty, [f"{bucket.url}/photos"])
    assert (report.unchanged, report.renewed) == (2, 1)


def test_the_viewer_reads_through_a_bounded_cache(
    empty: Library, bucket: Bucket, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import_photos(empty, [f"{bucket.url}/photos"])
    cache = empty.settings.remote_folder
    assert len(list(cache.iterdir())) == 3
    assert cache.stat().st_mode & 0o777 == 0o700
    before = bucket.requests()
    for path in paths(empty):
        assert images.read(path).pixels.shape[2] == 3
    assert bucket.requests() == before, "a copy of a moment ago is not asked for again"
    largest = max(file.stat().st_size for file in cache.iterdir())
    monkeypatch.setitem(remote_cache._kept, "here", remote_cache.Copies(cache, largest))
    monkeypatch.setattr(remote_cache, "FRESH_SECONDS", -1.0)
    for path in paths(empty):
        assert images.read(path).pixels.shape[2] == 3
        assert sum(file.stat().st_size for file in cache.iterdir()) <= largest


def test_a_photo_that_was_moved_in_the_bucket_is_followed(
    empty: Library, bucket: Bucket, photos: list[str]
) -> None:
    import_photos(empty, [f"{bucket.url}/photos"])
    old, new = f"photos/{photos[0]}", f"photos/moved/{photos[0]}"
    bucket.put(new, bucket.get(old))
    bucket.delete(old)
    assert [photo.path for photo in empty.photos.missing()] == [f"{bucket.url}/{old}"]
    report = import_photos(empty, [f"{bucket.url}/photos"])
    assert (report.photos, report.unchanged, report.duplicates) == (3, 2, 1)
    assert f"{bucket.url}/{new}" in paths(empty) and f"{bucket.url}/{old}" not in paths(empty)
    assert empty.photos.missing() == []


def test_a_photo_that_is_gone_says_so(empty: Library, bucket: Bucket, photos: list[str]) -> None:
    import_photos(empty, [f"{bucket.url}/photos"])
    bucket.delete(f"photos/{photos[0]}")
    shutil.rmtree(empty.settings.remote_folder)
    with pytest.raises(UnreadableImage, match="no longer there"):
        images.read(f"{bucket.url}/photos/{photos[0]}")
    gone = {photo.path: empty.photos.is_gone(photo.id) for photo in empty.photos.page()}
    assert [path for path, is_gone in gone.items() if is_gone] == [f"{bucket.url}/photos/{photos[0]}"]


def test_a_folder_s_rules_hold_in_a_bucket(bucket: Bucket, photos: list[str]) -> None:
    image = bucket.get(f"photos/{photos[0]}")
    bucket.put("rules/.faceidignore", b"private/\n")
    for name in ("one.jpg", "private/two.jpg", ".hidden/three.jpg", "@eaDir/four.jpg", "note.txt", "a//five.jpg",
                 "100 % #1?.jpg", "marker/"):  # fmt: skip
        bucket.put(f"rules/{name}", image if not name.endswith("/") else b"")
    left = LeftOuts()
    found = [str(path) for path in folders.walk([f"{bucket.url}/rules"], leave=left)]
    assert found == [f"{bucket.url}/rules/100 % #1?.jpg", f"{bucket.url}/rules/one.jpg"]
    assert {reason.split(";")[0] for reason in left} == {
        "files or folders ignored by a pattern",
        "folders of previews or cached files",
        "objects with an empty part, “.” or “..” in their name",
    }
    assert images.read(found[0]).width > 0


def test_a_plan_and_a_shared_import(empty: Library, bucket: Bucket, photos: list[str]) -> None:
    """As the page does it: the paths go through the database to a worker."""
    planned = plan_import(empty, [remote.place(f"{bucket.url}/photos")])
    assert (planned.new, planned.known) == (3, 0)
    job = empty.jobs.submit("import", {"paths": [f"{bucket.url}/photos"]})
    while empty.jobs.get(job.id).state in (JobState.QUEUED, JobState.RUNNING):
        assert run_next(empty) is not None
    assert empty.jobs.get(job.id).result["imported"] == 3
    planned = plan_import(empty, [remote.place(f"{bucket.url}/photos")])
    assert (planned.new, planned.known) == (0, 3)


def test_a_half_written_photo_is_read_again_when_it_is_whole(
    empty: Library, bucket: Bucket, photos: list[str]
) -> None:
    whole = bucket.get(f"photos/{photos[0]}")
    bucket.put("half/a.jpg", whole[: len(whole) // 3])
    report = import_photos(empty, [f"{bucket.url}/half"])
    assert [failure.reason for failure in report.failures] == [
        "the file is damaged: it was cut off"
    ] or report.failed
    bucket.put("half/a.jpg", whole)
    assert import_photos(empty, [f"{bucket.url}/half"]).imported == 1
    assert empty.counts().photos == 1


def test_a_photo_that_changes_while_it_is_read(
    empty: Library, bucket: Bucket, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another program is still writing it."""
    download = remote.RemotePath.download

    def growing(path: remote.RemotePath, target: Path) -> None:
        download(path, target)
        target.write_bytes(target.read_bytes() + b"more")

    monkeypatch.setattr(remote.RemotePath, "download", growing)
    report = import_photos(empty, [f"{bucket.url}/photos/{photos[0]}"])
    assert [failure.reason for failure in report.failures] == [remote.CHANGED]
    monkeypatch.undo()


# --- what can't be reached --------------------------------------------------------------------------------------
def test_a_bucket_that_is_not_there(bucket: Bucket, tmp_path: Path) -> None:
    said = refused(faceid("--library", tmp_path / "new", "import", "s3://no-such-bucket/photos"))
    assert said == "faceid: There is nothing at s3://no-such-bucket/photos; check the bucket's name and the path."
    assert not (tmp_path / "new").exists()


def test_an_empty_folder_and_another_kind_of_address(bucket: Bucket) -> None:
    bucket.put("texts/a.txt", b"text")
    with pytest.raises(NothingToImport, match=f"no photo in {bucket.url}/texts"):
        photos_under([f"{bucket.url}/texts"])
    with pytest.raises(PathNotFound, match="There is nothing at"):
        folders.walk([f"{bucket.url}/nothing"])
    with pytest.raises(PathNotFound):
        folders.walk(["ftp://host/photos"])
    with pytest.raises(RemoteUnusable, match="names no bucket"):
        folders.walk(["s3://"])


@pytest.mark.slow
def test_refused_credentials(bucket: Bucket, photos: list[str], empty: Library) -> None:
    import_photos(empty, [f"{bucket.url}/photos/{photos[0]}"])
    with bucket.guarded():
        remote._file_system.cache_clear()
        with pytest.raises(RemoteUnusable, match="refused or have expired"):
            import_photos(empty, [f"{bucket.url}/photos"])
        said = refused(faceid("--library", empty.settings.library, "import", f"{bucket.url}/photos"))
        assert "AWS_ACCESS_KEY_ID" in said and bucket.secret not in said
    assert empty.counts().photos == 1


def test_credentials_that_expire_during_an_import(
    empty: Library, bucket: Bucket, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored is kept, nothing counts as unreadable, and the next import goes on."""
    download, done = remote.RemotePath.download, list[remote.RemotePath]()

    def expiring(path: remote.RemotePath, target: Path) -> None:
        if done:
            raise remote._unusable(path, PermissionError())
        done.append(path)
        download(path, target)

    monkeypatch.setattr(remote.RemotePath, "download", expiring)
    with pytest.raises(RemoteUnusable, match="expired"):
        import_photos(empty, [f"{bucket.url}/photos"])
    assert all(photo.error is None for photo in empty.photos.page())
    stored = empty.counts().photos
    monkeypatch.undo()
    bucket.enter(monkeypatch)
    report = import_photos(empty, [f"{bucket.url}/photos"])
    assert report.imported == 3 - stored and empty.counts().photos == 3


class Refusing(BaseHTTPRequestHandler):
    """S3 once a token has expired: status 400, and the reason in the body, which a HEAD's answer lacks."""

    def do_GET(self) -> None:
        body = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        self.server.asked = getattr(self.server, "asked", 0) + 1  # type: ignore[attr-defined]


def test_a_token_that_has_expired_is_told_at_once(
    empty: Library, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        remote._file_system.cache_clear()
        with pytest.raises(RemoteUnusable, match="refused or have expired"):
            import_photos(empty, [f"{bucket.url}/photos"])
        server.shutdown()
    assert server.asked <= 2  # type: ignore[attr-defined]
    remote._file_system.cache_clear()


def test_no_credentials_and_no_network(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    monkeypatch.setattr(remote, "FIRST_WAIT_SECONDS", 0.0)

    def failing(error: Exception) -> str:
        def ask() -> None:
            raise error

        with pytest.raises(RemoteUnusable) as raised:
            remote._asked(remote.RemotePath("s3://bucket/a.jpg"), ask)
        assert raised.value.__cause__ is None
        return str(raised.value)

    from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ProfileNotFound

    assert failing(NoCredentialsError()).startswith("There are no credentials for s3://bucket/a.jpg; give faceid's")
    assert failing(ProfileNotFound(profile="none")).startswith("There are no credentials for s3://bucket/a.jpg")
    assert "correct it in faceid's environment, for S3 in AWS_ENDPOINT_URL" in failing(
        ValueError("Invalid endpoint")
    )
    assert "can't be reached" in failing(EndpointConnectionError(endpoint_url="http://user:key@host"))
    assert "key@" not in failing(EndpointConnectionError(endpoint_url="http://user:key@host"))


def test_a_request_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "FIRST_WAIT_SECONDS", 0.0)
    asked = []

    def ask() -> int:
        asked.append(time.monotonic())
        if len(asked) < remote.TRIES:
            raise ConnectionResetError
        return 7

    assert remote._asked(remote.RemotePath("s3://bucket/a.jpg"), ask) == 7
    assert len(asked) == remote.TRIES


@pytest.mark.parametrize("scheme", ["gs", "az", "smb", "webdav", "sftp"])
def test_a_package_that_is_missing(scheme: str) -> None:
    service = remote.SERVICES[scheme]
    from importlib.util import find_spec

    if find_spec(service.package):
        pytest.skip(f"{service.package} is installed")
    with pytest.raises(RemoteUnusable, match=rf"need the package {service.package}; .*run install {scheme}"):
        folders.walk([f"{scheme}://place/photos"])


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(RemoteUnusable, match="must not hold a password") as raised:
        folders.walk(["sftp://ada:secret@host/photos"])
    assert "secret" not in str(raised.value)


def test_watching_is_refused_and_who_is_no_owner_learns_no_bucket(empty: Library) -> None:
    with pytest.raises(RemoteUnusable, match="can't be watched"):
        next(watch_folders(empty, [remote.place("s3://bucket/photos")]))
    assert without_folders("s3://bucket/my photos/a.jpg may not be read.") == "a.jpg may not be read."


def test_an_address_stays_one() -> None:
    path = remote.place("s3://bucket/photos/a.jpg")
    assert str(path.parent) == "s3://bucket/photos" and str(path.with_suffix(".xmp")) == "s3://bucket/photos/a.xmp"
    assert path.relative_to(path.parent).as_posix() == "a.jpg"
    assert folders.absolute(path) is path and path.is_absolute()
    import pickle

    assert str(pickle.loads(pickle.dumps(path))) == str(path)
