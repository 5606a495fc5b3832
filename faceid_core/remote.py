"""Photos that lie elsewhere: in a bucket, or on another machine. Their path is their address, as `s3://bucket/a.jpg`.

fsspec reaches them, with the credentials that each service's own tools take from the environment; none is stored.
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

log = logging.getLogger(__name__)
Value = TypeVar("Value")


class Service(NamedTuple):
    """protocol: fsspec's name. package: what it takes. extra: how faceid calls that. keys: where they come from."""

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
"""By the start of an address."""

TRIES, FIRST_WAIT_SECONDS = 3, 0.5
"""How often a request is made, and how long we wait after the first; twice as long each time."""

AT_ONCE = 8
"""Requests at the same time: what many small ones wait for is the way there and back."""

EXPIRED = ("ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "RequestExpired", "400")
"""S3's codes for credentials that open nothing, whichever object is asked for. 400: all that a HEAD's
answer tells of ExpiredToken, as it has no body."""

CHANGED = "it was changed while it was read; import it again"

if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())  # a path of this system, which Path itself becomes only when it is made


class RemotePath(_Path):
    """An address that is used like a path. What asks the service raises RemoteUnusable where it can't be asked."""

    listed: os.stat_result | None = None
    """What is known of it; a listing tells it without asking for each."""

    def __str__(self) -> str:
        scheme, *names = self.parts or ("",)
        return f"{scheme}//{'/'.join(names)}" if scheme[:-1] in SERVICES else "/".join(self.parts)

    @property
    def service(self) -> Service:
        """Who has it."""
        return SERVICES[self.parts[0][:-1]]

    def is_absolute(self) -> bool:
        """It is."""
        return True

    def absolute(self) -> RemotePath:
        """As it is."""
        return self

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Size and time of change; its nanoseconds are a checksum of the service's own mark of the content (an
        ETag, say), so that a change within a second is seen, too. Raises FileNotFoundError, PermissionError."""
        if self.listed is None:
            files, name = _reached(self)
            self.listed = _state(_asked(self, lambda: files.info(name)))
        return self.listed

    def exists(self, **_: Any) -> bool:
        """Whether there is an object, or a folder with some."""
        return self._is(lambda _: True)

    def is_file(self, **_: Any) -> bool:
        """Whether there is an object."""
        return self._is(stat.S_ISREG)

    def is_dir(self, **_: Any) -> bool:
        """Whether there is a folder, which in a bucket means objects whose names begin like this."""
        return self._is(stat.S_ISDIR)

    def _is(self, kind: Callable[[int], bool]) -> bool:
        try:
            return kind(self.stat().st_mode)
        except FileNotFoundError:
            return False

    def read_bytes(self) -> bytes:
        """All of it; for what is small. Raises OSError."""
        files, name = _reached(self)
        data: bytes = _asked(self, lambda: files.cat_file(name))
        return data

    def read_text(self, encoding: str | None = None, errors: str | None = None, **_: Any) -> str:
        """The same as text."""
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def download(self, target: Path) -> None:
        """Write it to a file here. Raises FileNotFoundError, PermissionError."""
        files, name = _reached(self)
        _asked(self, lambda: files.get_file(name, str(target)))


def place(path: Path | str) -> Path:
    """The path of a file here or elsewhere.

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
    """How a file here or elsewhere begins, without reading the rest. Raises OSError, RemoteUnusable."""
    if not isinstance(path, RemotePath):
        with path.open("rb") as file:
            return file.read(size)
    files, name = _reached(path)
    data: bytes = _asked(path, lambda: files.cat_file(name, start=0, end=size))
    return data


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder elsewhere holds, as os.DirEntry. is_odd: its name can't be part of a path."""

    path: RemotePath
    name: str

    @property
    def is_odd(self) -> bool:
        """Whether no path can have this name."""
        return self.name in {"", ".", ".."}

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.path.is_file()

    def is_symlink(self) -> bool:
        """It is none."""
        return False


def entries(folder: RemotePath) -> Iterator[Entry]:
    """What is in a folder, with size and time, by a request for a thousand. Raises FileNotFoundError,
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
    """Those of addresses that surely are no longer there, by listing their folders. Whatever can't be asked may be
    there."""
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
    """Ask for several at the same time; what they say is known then."""
    wanted = [path for path in paths if isinstance(path, RemotePath) and path.listed is None]
    if wanted:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(RemotePath.exists, wanted))


# --- services ---------------------------------------------------------------------------------------------------
def _reached(path: RemotePath) -> tuple[Any, str]:
    """fsspec's file system, and the path's name in it. Raises RemoteUnusable."""
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
            f"`pip install 'faceid[{service.extra}]'`."
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
    """fsspec's dict of an object, whose keys each service names in its own way."""
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
    """The answer, after some tries where the network fails. Raises FileNotFoundError, PermissionError,
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
                raise _unusable(path, error) from None  # a chain might be logged, and hold an address with a key
            time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
    raise AssertionError


def _is_final(error: Exception) -> bool:
    """Whether asking again is in vain."""
    return isinstance(error, PermissionError) or _code(error) in EXPIRED or "Credential" in type(error).__name__


def _code(error: BaseException | None) -> str:
    """The service's own code of an error, "" for none."""
    while error is not None:
        if isinstance(response := getattr(error, "response", None), dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""


def _unusable(path: RemotePath, error: Exception) -> RemoteUnusable:
    """One sentence. It says nothing of the service's own words, which may hold a key."""
    log.debug("%s of %s", type(error).__name__, path.parts[1])
    keys = f"give faceid's environment {path.service.keys}"
    if isinstance(error, PermissionError) or _code(error) in EXPIRED:
        return RemoteUnusable(f"{path} may not be read: its credentials are refused or have expired; {keys}.")
    name = type(error).__name__
    if "Credential" in name or "Profile" in name or "Credential" in str(error):
        return RemoteUnusable(f"There are no credentials for {path}; {keys}.")
    if isinstance(error, ValueError):  # before anybody is asked
        return RemoteUnusable(
            f"The service of {path} has no usable address; correct it in faceid's environment, for S3 in "
            "AWS_ENDPOINT_URL."
        )
    return RemoteUnusable(
        f"{path} can't be reached ({name}); check the network and try again: what was imported is kept."
    )


def denied(path: RemotePath) -> RemoteUnusable:
    """The sentence for a folder elsewhere that may not be listed."""
    return _unusable(path, PermissionError())
