"""Remote photos, in a bucket or on another machine. Their path is a URL such as `s3://bucket/a.jpg`.

They are accessed through fsspec, with the credentials that each service's own tools read from the environment.
faceid stores no credentials.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from zlib import crc32

from faceid_core.errors import BadInput, RemoteUnusable
from faceid_core.extras import install

log = logging.getLogger(__name__)
Value = TypeVar("Value")


class Service(NamedTuple):
    """protocol: fsspec's name. package: the required package. extra: faceid's extra that installs it. keys: where
    the credentials come from."""

    protocol: str
    package: str
    extra: str
    keys: str


SERVICES = {
    "s3": Service("s3", "s3fs", "s3", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `aws configure`"),
    "gs": Service("gs", "gcsfs", "gs", "GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth`"),
    "az": Service("az", "adlfs", "az", "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
    "sftp": Service("sftp", "paramiko", "sftp", "your SSH agent or keys"),
    "smb": Service("smb", "smbprotocol", "smb", "FSSPEC_SMB_USERNAME and FSSPEC_SMB_PASSWORD"),
    "webdav": Service("webdav", "webdav4", "webdav", "FSSPEC_WEBDAV_AUTH"),
}
"""By URL scheme."""

TRIES, FIRST_WAIT_SECONDS = 3, 0.5
"""Attempts per request, and the wait after the first one. The wait doubles each time."""

AT_ONCE = 8
"""Concurrent requests: for many small ones, the round trip takes most of the time."""

EXPIRED = ("ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "RequestExpired", "400")
"""S3 error codes for credentials that are invalid for every object. 400 is all that a HEAD request, which
has no body in its answer, says about ExpiredToken."""

CHANGED = "it was changed while it was read; import it again"

if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())  # the concrete class for this system: Path chooses it only on instantiation


class RemotePath(_Path):
    """A URL that can be used like a path. Methods that access the service raise RemoteUnusable if it fails."""

    listed: os.stat_result | None = None
    """The cached status, which a folder listing fills in without a request per file."""

    def __str__(self) -> str:
        scheme, *names = self.parts or ("",)
        return f"{scheme}//{'/'.join(names)}" if scheme[:-1] in SERVICES else "/".join(self.parts)

    @property
    def service(self) -> Service:
        """The service that stores the file."""
        return SERVICES[self.parts[0][:-1]]

    def is_absolute(self) -> bool:
        """Always true."""
        return True

    def absolute(self) -> RemotePath:
        """Return the path unchanged."""
        return self

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return the size and modification time. The nanoseconds are a checksum of the service's content
        identifier, such as an ETag, to detect changes within a second.

        Raises FileNotFoundError, PermissionError.
        """
        if self.listed is None:
            files, name = _reached(self)
            self.listed = _state(_asked(self, lambda: files.info(name)))
        return self.listed

    def exists(self, **_: Any) -> bool:
        """Whether this is an object, or a folder that contains objects."""
        return self._is(lambda _: True)

    def is_file(self, **_: Any) -> bool:
        """Whether this is an object."""
        return self._is(stat.S_ISREG)

    def is_dir(self, **_: Any) -> bool:
        """Whether this is a folder. In a bucket, that means objects with this prefix."""
        return self._is(stat.S_ISDIR)

    def _is(self, kind: Callable[[int], bool]) -> bool:
        try:
            return kind(self.stat().st_mode)
        except FileNotFoundError:
            return False

    def read_bytes(self) -> bytes:
        """Read the whole file into memory. For small files. Raises OSError."""
        files, name = _reached(self)
        data: bytes = _asked(self, lambda: files.cat_file(name))
        return data

    def read_text(self, encoding: str | None = None, errors: str | None = None, **_: Any) -> str:
        """Read the whole file as text. Raises OSError."""
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def download(self, target: Path) -> None:
        """Copy to a local file. Raises FileNotFoundError, PermissionError."""
        files, name = _reached(self)
        _asked(self, lambda: files.get_file(name, str(target)))


def place(path: Path | str) -> Path:
    """Return the path of a local or remote file.

    >>> str(place("s3://bucket/a.jpg")), str(place(Path("s3://bucket/a.jpg"))), str(place("/a.jpg"))
    ('s3://bucket/a.jpg', 's3://bucket/a.jpg', '/a.jpg')
    """
    if isinstance(path, RemotePath):
        return path
    scheme, found, _ = os.fspath(path).partition(":/")
    return RemotePath(path) if found and scheme in SERVICES else Path(path)


def is_remote(path: Path | str) -> bool:
    """
    >>> is_remote("s3://bucket/a.jpg"), is_remote("/a.jpg")
    (True, False)
    """
    return isinstance(place(path), RemotePath)


def first_bytes(path: Path, size: int) -> bytes:
    """Read the first bytes of a local or remote file. Raises OSError, RemoteUnusable."""
    if not isinstance(path, RemotePath):
        with path.open("rb") as file:
            return file.read(size)
    files, name = _reached(path)
    data: bytes = _asked(path, lambda: files.cat_file(name, start=0, end=size))
    return data


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a remote folder, like os.DirEntry."""

    path: RemotePath
    name: str

    @property
    def is_odd(self) -> bool:
        """Whether the name can't be part of a path."""
        return self.name in {"", ".", ".."}

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.path.is_file()

    def is_symlink(self) -> bool:
        """Always false."""
        return False


def entries(folder: RemotePath) -> Iterator[Entry]:
    """List a folder, with sizes and times, at one request per thousand entries. Raises FileNotFoundError,
    PermissionError, RemoteUnusable."""
    files, name = _reached(folder)
    start = name.rstrip("/") + "/"
    for info in _asked(folder, lambda: files.ls(name, detail=True, refresh=True)):
        found = str(info["name"])
        if found.strip("/") == start.strip("/") and info["type"] != "directory":
            continue  # the folder itself, for which some programs store an empty object
        last = found.removeprefix(start).removesuffix("/")
        path = RemotePath(folder, last) if last else folder
        path.listed = _state(info)
        yield Entry(path, last)


def are_gone(paths: Iterable[str]) -> set[str]:
    """Return the URLs that certainly no longer exist, by listing their folders. URLs on services that can't be
    reached are not included."""
    folders: dict[RemotePath, list[RemotePath]] = {}
    for path in map(RemotePath, paths):
        folders.setdefault(RemotePath(path.parent), []).append(path)
    gone: set[str] = set()
    silent: set[str] = set()
    for folder, wanted in folders.items():
        if folder.parts[1] in silent:
            continue
        try:
            there = {entry.name for entry in entries(folder)}
        except FileNotFoundError:
            there = set()
        except (OSError, BadInput):
            silent.add(folder.parts[1])
            continue
        gone.update(str(path) for path in wanted if path.name not in there)
    return gone


def look_at_once(paths: Iterable[Path]) -> None:
    """Fetch the status of several paths concurrently and cache it on each path."""
    wanted = [path for path in paths if isinstance(path, RemotePath) and path.listed is None]
    if wanted:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(RemotePath.exists, wanted))


# --- services ---------------------------------------------------------------------------------------------------
def _reached(path: RemotePath) -> tuple[Any, str]:
    """Return fsspec's file system and the path's name in it. Raises RemoteUnusable."""
    service, address = path.service, str(path)
    if len(path.parts) < 2:
        raise RemoteUnusable(f"{address} names no bucket or machine; write it like {address}name/folder.")
    if ":" in path.parts[1].rpartition("@")[0]:
        raise RemoteUnusable("An address must not hold a password; leave it out, and give it in the environment.")
    try:
        return _file_system(service.protocol, path.parts[1]), _name(path)
    except ImportError as error:
        raise RemoteUnusable(
            f"Photos at {address.partition('//')[0]}// need the package {service.package}; install it with "
            f"{install(service.extra)}."
        ) from error
    except Exception as error:
        raise _unusable(path, error) from error


@cache
def _file_system(protocol: str, host: str) -> Any:
    import fsspec
    from fsspec.core import url_to_fs

    if protocol == "webdav":
        return fsspec.filesystem("webdav", base_url=f"https://{host}")
    return url_to_fs(f"{protocol}://{host}/", use_listings_cache=False)[0]


def _name(path: RemotePath) -> str:
    if path.service.protocol == "webdav":
        return "/".join(path.parts[2:])
    return str(_file_system(path.service.protocol, path.parts[1])._strip_protocol(str(path)))


def _state(info: dict[str, Any]) -> os.stat_result:
    """Convert fsspec's dict for an object. The keys differ between services."""
    kind = stat.S_IFDIR if info.get("type") == "directory" else stat.S_IFREG
    moment = _first(info, "LastModified", "mtime", "updated", "last_modified", "modified", "last_write_time") or 0
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    seconds = int(moment.timestamp() if isinstance(moment, datetime) else moment)
    mark = _first(info, "ETag", "etag", "md5Hash", "generation", "content_md5")
    nanoseconds = seconds * 10**9 + crc32(str(mark).encode()) % 10**9
    plain = (kind | 0o444, 0, 0, 1, 0, 0, int(info.get("size") or 0), seconds, seconds, seconds)
    exact = {"st_atime_ns": nanoseconds, "st_mtime_ns": nanoseconds, "st_ctime_ns": nanoseconds}
    return os.stat_result(plain, exact)


def _first(info: dict[str, Any], *keys: str) -> Any:
    return next((info[key] for key in keys if info.get(key)), None)


def _asked(path: RemotePath, ask: Callable[[], Value]) -> Value:
    """Return the result of a request, retrying when the network fails. Raises FileNotFoundError, PermissionError,
    RemoteUnusable."""
    for attempt in range(TRIES):
        try:
            return ask()
        except FileNotFoundError:
            raise
        except Exception as error:
            if _is_final(error) or attempt == TRIES - 1:
                if isinstance(error, PermissionError) and _code(error) not in EXPIRED:
                    raise
                raise _unusable(path, error) from None  # a logged chain might contain a URL with a key
            time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    raise AssertionError


def _is_final(error: Exception) -> bool:
    """Whether a retry would be pointless."""
    return isinstance(error, PermissionError) or _code(error) in EXPIRED or "Credential" in type(error).__name__


def _code(error: BaseException | None) -> str:
    """Return the service's own error code, or "" if there is none."""
    while error is not None:
        if isinstance(response := getattr(error, "response", None), dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""


def _unusable(path: RemotePath, error: Exception) -> RemoteUnusable:
    """Build the error for the user. It leaves out the service's own message, which may contain a key."""
    log.debug("%s of %s", type(error).__name__, path.parts[1])
    keys = f"give faceid's environment {path.service.keys}"
    if isinstance(error, PermissionError) or _code(error) in EXPIRED:
        return RemoteUnusable(f"{path} can't be read: its credentials were refused or have expired; {keys}.")
    name = type(error).__name__
    if "Credential" in name or "Profile" in name or "Credential" in str(error):
        return RemoteUnusable(f"There are no credentials for {path}; {keys}.")
    if isinstance(error, ValueError):  # raised before any request is made
        return RemoteUnusable(
            f"The service of {path} has no usable address; correct it in faceid's environment, for S3 in "
            "AWS_ENDPOINT_URL."
        )
    return RemoteUnusable(
        f"{path} can't be reached ({name}); check the network and try again: what was imported is kept."
    )


def denied(path: RemotePath) -> RemoteUnusable:
    """Return the error for a remote folder that can't be listed."""
    return _unusable(path, PermissionError())
