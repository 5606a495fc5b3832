"""Stand-ins for Immich and PhotoPrism that take only what their API documents, and remember what was asked.

Immich: the OpenAPI document's AssetFaceCreateDto, FaceDto, PersonCreateDto, MetadataSearchDto (1.126 to 2).
PhotoPrism: internal/api/files.go, markers.go and form/marker.go.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from faceid_core.values import Box

TOKEN = "secret-token-of-the-test"
PREVIEW = (1440, 960)
"""The picture on which Immich finds faces is another one than the original."""


@dataclass
class Face:
    """A face of a stand-in; box in shares."""

    box: Box
    name: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    asset: str = ""


class Refused(Exception):
    """An answer with this status."""


@dataclass
class StandIn:
    """kind: immich or photoprism; files: SHA-1 in hex -> the photo's id; writes: (method, path, body) in order."""

    kind: str
    files: dict[str, str] = field(default_factory=dict)
    faces: list[Face] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    writes: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""
    answer: tuple[int, bytes] | None = None

    def hold(self, file: Path, *faces: Face) -> None:
        """The server has this photo, with these faces."""
        asset = str(uuid.uuid4())
        self.files[hashlib.sha1(file.read_bytes()).hexdigest()] = asset
        for face in faces:
            face.asset = asset
            self.faces.append(face)
            if face.name:
                self.people.setdefault(face.name, str(uuid.uuid4()))

    def named(self) -> list[str]:
        return sorted(face.name for face in self.faces)

    def serve(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Any:
        if self.kind == "immich":
            if headers.get("x-api-key") != TOKEN:
                raise Refused(401)
            return self._immich(method, path, query, body)
        if headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused(401)
        return self._photoprism(method, path, body)

    # --- Immich -------------------------------------------------------------------------------------------------
    def _immich(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        match method, path.split("/")[1:]:
            case "POST", ["api", "search", "metadata"]:
                only(body, checksum=str, size=int)
                found = self.files.get(base64.b64decode(body["checksum"]).hex())
                items = [{"id": found}] if found else []
                return {"albums": {"items": []}, "assets": {"items": items, "count": len(items), "nextPage": None}}
            case "GET", ["api", "faces"]:
                return [self._immich_face(face) for face in self.faces if face.asset == query["id"]]
            case "GET", ["api", "people"]:
                assert 1 <= int(query["size"]) <= 1000
                page = int(query["page"])
                some = [{"id": number, "name": name, "isHidden": False} for name, number in self.people.items()]
                return {"people": some[page - 1 : page], "total": len(some), "hasNextPage": page < len(some)}
            case "POST", ["api", "people"]:
                only(body, name=str)
                self.people[body["name"]] = str(uuid.uuid4())
                return {"id": self.people[body["name"]], "name": body["name"]}
            case "PUT", ["api", "faces", person]:
                only(body, id=str)
                face = next(face for face in self.faces if face.id == body["id"])
                face.name = self._name_of(person)
                return {"id": person, "name": face.name}
            case "POST", ["api", "faces"]:
                whole = dict.fromkeys(("imageWidth", "imageHeight", "x", "y", "width", "height"), int)
                only(body, assetId=str, personId=str, **whole)
                width, height = body["imageWidth"], body["imageHeight"]
                right, bottom = body["x"] + body["width"], body["y"] + body["height"]
                box = Box(body["x"] / width, body["y"] / height, right / width, bottom / height)
                self.faces.append(Face(box, self._name_of(body["personId"]), asset=body["assetId"]))
                return {}
        raise Refused(404)

    def _name_of(self, person: str) -> str:
        return next(name for name, number in self.people.items() if number == str(uuid.UUID(person)))

    def _immich_face(self, face: Face) -> dict[str, Any]:
        width, height = PREVIEW
        box = {"boundingBoxX1": face.box.left * width, "boundingBoxX2": face.box.right * width,
               "boundingBoxY1": face.box.top * height, "boundingBoxY2": face.box.bottom * height}  # fmt: skip
        person = {"id": self.people[face.name], "name": face.name} if face.name else None
        whole = {edge: round(value) for edge, value in box.items()}
        return {"id": face.id, "imageWidth": width, "imageHeight": height, "person": person, **whole}

    # --- PhotoPrism ---------------------------------------------------------------------------------------------
    def _photoprism(self, method: str, path: str, body: Any) -> Any:
        match method, path.split("/")[1:]:
            case "GET", ["api", "v1", "files", sha1]:
                if sha1 not in self.files:
                    raise Refused(404)
                mine = [face for face in self.faces if face.asset == self.files[sha1]]
                return {"UID": self.files[sha1], "Hash": sha1, "Markers": [self._marker(face) for face in mine]}
            case "PUT", ["api", "v1", "markers", marker]:
                only(body, Name=str, SubjSrc=str)
                assert body["SubjSrc"] == "manual", "PhotoPrism ignores the name otherwise"
                face = next(face for face in self.faces if face.id == marker)
                face.name = body["Name"]
                return self._marker(face)
            case "POST", ["api", "v1", "markers"]:
                place = dict.fromkeys("XYWH", float)
                only(body, FileUID=str, Type=str, Src=str, Name=str, SubjSrc=str, **place)
                assert body["FileUID"] in self.files.values() and body["Type"] == "face"
                assert body["W"] > 0 and body["H"] > 0
                box = Box(body["X"], body["Y"], body["X"] + body["W"], body["Y"] + body["H"])
                self.faces.append(Face(box, body["Name"], asset=body["FileUID"]))
                return {"UID": self.faces[-1].id}
        raise Refused(404)

    def _marker(self, face: Face) -> dict[str, Any]:
        subject = str(self.people.setdefault(face.name, str(uuid.uuid4()))) if face.name else ""
        return {
            "UID": face.id, "FileUID": face.asset, "Type": "face", "Name": face.name, "SubjUID": subject,
            "Invalid": False, "X": face.box.left, "Y": face.box.top, "W": face.box.width, "H": face.box.height,
        }  # fmt: skip


def only(body: Any, **kinds: type) -> None:
    """The body has just these fields, of these kinds."""
    if set(body) != set(kinds) or any(type(body[name]) is not kind for name, kind in kinds.items()):
        raise Refused(400)


@contextmanager
def running(server: StandIn) -> Iterator[StandIn]:
    """Serve it on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            try:
                status, answer = server.answer or (200, b"")
                if server.answer is None:
                    answer = json.dumps(server.serve(self.command, parts.path, query, body, headers)).encode()
                    if self.command != "GET" and "search" not in parts.path:
                        server.writes.append((self.command, parts.path, body))
            except Refused as refusal:
                status, answer = int(refusal.args[0]), b"{}"
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            if 300 <= status < 400:
                self.send_header("location", "http://192.0.2.1/")
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Quiet."""

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{served.server_port}"
    try:
        yield server
    finally:
        served.shutdown()
        served.server_close()
        thread.join()
