"""Reads and writes face names in Immich and PhotoPrism through their APIs.

Photos are matched by the SHA-1 of the file, so folders may differ. The token is sent only in request headers and
never appears in messages or files. Redirects are not followed, because they would send it elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpx

from faceid_core.errors import BadInput, ServerUnusable
from faceid_core.exchange.face_regions import NamedRegion, PhotoNames, from_middle
from faceid_core.values import Box

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
MOST_PEOPLE_A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ServerFace:
    """A face known to a server. box: as fractions of the upright picture; name: "" if it has none."""

    id: str
    box: Box
    name: str


@dataclass(frozen=True, slots=True)
class ServerPhoto:
    """A photo as a server knows it."""

    id: str
    faces: tuple[ServerFace, ...]


class PhotoServer(Protocol):
    """The operations that faceid needs from a server. All raise ServerUnusable."""

    def photo(self, file: Path) -> ServerPhoto | None:
        """Return the photo with the content of this file, or None. Raises OSError if the file can't be read."""

    def name(self, face: ServerFace, name: str) -> None:
        """Assign the person with this name to an unnamed face, creating the person if needed."""

    def add(self, photo: ServerPhoto, name: str, box: Box, size: tuple[int, int]) -> None:
        """Add a face that the server did not find. box: as fractions; size: (width, height) of the upright
        picture."""


class _Api:
    """Sends requests to a server and parses its JSON responses."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise BadInput("Give the server's address, such as https://photos.example.org, without a password.")
        self._host = parts.netloc
        base = f"{url.split('#', maxsplit=1)[0].rstrip('/')}"
        self._client = httpx.Client(
            base_url=base, headers=headers, timeout=TIMEOUT, follow_redirects=False, trust_env=False
        )

    def ask(self, method: str, path: str, *, missing: bool = False, **request: Any) -> Any:
        """Return the response. missing: return None for "not found" instead of raising. Raises ServerUnusable."""
        try:
            answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ServerUnusable(f"{self._host} can't be reached ({type(error).__name__}).") from error
        if answer.status_code == httpx.codes.NOT_FOUND and missing:
            return None
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ServerUnusable(f"{self._host} refuses the key; check that it is whole and what it may do.")
        if not answer.is_success:
            raise ServerUnusable(
                f"{self._host} answered {answer.status_code} to {method} {path.split('?', maxsplit=1)[0]}."
            )
        try:
            return answer.json()
        except ValueError as error:
            raise ServerUnusable(f"{self._host} answered with no JSON; is it the right address?") from error


def _sha1(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha1").digest()


class Immich:
    """Immich's API (OpenAPI document of versions 1.126 to 2): authenticated by x-api-key; boxes are in pixels of
    the picture on which they were detected, whose size is included."""

    def __init__(self, url: str, token: str) -> None:
        base = url.rstrip("/").removesuffix("/api")
        self._api = _Api(base, {"x-api-key": token, "accept": "application/json"})
        self._people: dict[str, str] | None = None

    def photo(self, file: Path) -> ServerPhoto | None:
        """See PhotoServer."""
        asked = {"checksum": base64.b64encode(_sha1(file)).decode(), "size": 1}
        found = self._api.ask("POST", "/api/search/metadata", json=asked)
        with _shape():
            items = found["assets"]["items"]
            if not items:
                return None
            asset = str(items[0]["id"])
        faces = self._api.ask("GET", "/api/faces", params={"id": asset})
        with _shape():
            return ServerPhoto(asset, tuple(map(_immich_face, faces)))

    def name(self, face: ServerFace, name: str) -> None:
        """See PhotoServer."""
        self._api.ask("PUT", f"/api/faces/{quote(self._person(name), safe='')}", json={"id": face.id})

    def add(self, photo: ServerPhoto, name: str, box: Box, size: tuple[int, int]) -> None:
        """See PhotoServer."""
        width, height = size
        place = {"x": round(box.left * width), "y": round(box.top * height),
                 "width": round(box.width * width), "height": round(box.height * height)}  # fmt: skip
        asked = {"assetId": photo.id, "personId": self._person(name), "imageWidth": width, "imageHeight": height}
        self._api.ask("POST", "/api/faces", json={**asked, **place})

    def _person(self, name: str) -> str:
        """Return the id of the person with this name, the first if there are several."""
        if self._people is None:
            self._people = {}
            for known, number in self._everybody():
                self._people.setdefault(known, number)
        if name not in self._people:
            made = self._api.ask("POST", "/api/people", json={"name": name})
            with _shape():
                self._people[name] = str(made["id"])
        return self._people[name]

    def _everybody(self) -> Iterator[tuple[str, str]]:
        page = 1
        while True:
            asked = {"page": page, "size": MOST_PEOPLE_A_PAGE, "withHidden": "true"}
            found = self._api.ask("GET", "/api/people", params=asked)
            with _shape():
                yield from (
                    (str(person["name"]), str(person["id"])) for person in found["people"] if person["name"]
                )
                if not found.get("hasNextPage"):
                    return
            page += 1


def _immich_face(face: dict[str, Any]) -> ServerFace:
    width, height = float(face["imageWidth"]), float(face["imageHeight"])
    box = Box(face["boundingBoxX1"] / width, face["boundingBoxY1"] / height, face["boundingBoxX2"] / width,
              face["boundingBoxY2"] / height)  # fmt: skip
    person = face.get("person")
    return ServerFace(str(face["id"]), box, str(person["name"]) if person else "")


class PhotoPrism:
    """PhotoPrism's API: authenticated by a bearer token; markers are fractions of the upright picture, from their
    upper left corner."""

    def __init__(self, url: str, token: str) -> None:
        base = url.rstrip("/").removesuffix("/api/v1")
        self._api = _Api(base, {"authorization": f"Bearer {token}", "accept": "application/json"})

    def photo(self, file: Path) -> ServerPhoto | None:
        """See PhotoServer."""
        found = self._api.ask("GET", f"/api/v1/files/{_sha1(file).hex()}", missing=True)
        if found is None:
            return None
        with _shape():
            markers = [each for each in found.get("Markers") or () if each["Type"] == "face"]
            return ServerPhoto(str(found["UID"]), tuple(map(_marker, filter(_is_valid, markers))))

    def name(self, face: ServerFace, name: str) -> None:
        """See PhotoServer."""
        asked = {"Name": name, "SubjSrc": "manual"}
        self._api.ask("PUT", f"/api/v1/markers/{quote(face.id, safe='')}", json=asked)

    def add(self, photo: ServerPhoto, name: str, box: Box, size: tuple[int, int]) -> None:
        """See PhotoServer."""
        place = {"X": box.left, "Y": box.top, "W": box.width, "H": box.height}
        asked = {"FileUID": photo.id, "Type": "face", "Src": "manual", "Name": name, "SubjSrc": "manual"}
        self._api.ask("POST", "/api/v1/markers", json={**asked, **place})


def _is_valid(marker: dict[str, Any]) -> bool:
    return not marker.get("Invalid")


def _marker(marker: dict[str, Any]) -> ServerFace:
    left, top = float(marker["X"]), float(marker["Y"])
    box = Box(left, top, left + float(marker["W"]), top + float(marker["H"]))
    return ServerFace(str(marker["UID"]), box, str(marker.get("Name") or "") if marker.get("SubjUID") else "")


@contextmanager
def _shape() -> Iterator[None]:
    """Convert errors caused by unexpected responses to ServerUnusable."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise ServerUnusable(
            "The server answered in another form than faceid knows; its version may be a new one."
        ) from error


def names_of(server: PhotoServer, file: Path) -> PhotoNames:
    """Return the names that a server has for the photo with the content of this file; none if it can't be read."""
    found = PhotoNames()
    try:
        photo = server.photo(file)
    except OSError:
        return found
    for face in photo.faces if photo else ():
        region = from_middle(face.name, _middle(face.box))
        if isinstance(region, NamedRegion):
            found.add(region)
        elif region is not None:
            found.unusable.append(region)
    return found


def _middle(box: Box) -> list[float]:
    return [(box.left + box.right) / 2, (box.top + box.bottom) / 2, box.width, box.height]


SERVERS: dict[str, type[Immich | PhotoPrism]] = {"immich": Immich, "photoprism": PhotoPrism}
"""Kind of server -> client class."""

TOKENS = {"immich": "IMMICH_API_KEY", "photoprism": "PHOTOPRISM_ACCESS_TOKEN"}
"""Kind of server -> the environment variable that may hold its token."""
