"""The JSON API and the pictures: faces, thumbnails of photos, people, counts and recognition.

Pictures are found by number only; no path ever comes from a request.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, File, Header, Path, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from faceid_core import __version__, frame_path
from faceid_core.errors import (
    DiskFull,
    EngineError,
    FaceIdError,
    ImageTooLarge,
    LibraryBusy,
    LibraryError,
    ModelUnusable,
    NotAllowed,
    NotFound,
    NotReady,
    NotSignedIn,
    OutOfDate,
    TooBusy,
    UnreadableImage,
)
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.steps.audit import audit_blocks
from faceid_core.values import Box, Flag
from webapp.api_docs import add_docs
from webapp.api_v1 import add_v1
from webapp.api_v1_library import add_library
from webapp.context import ForWhomAsks, decoded, in_words, library, on_picture_thread, why_unreadable
from webapp.days import IsoDay
from webapp.exports import add_exports
from webapp.live import add_live
from webapp.markup import CACHE_TOKEN
from webapp.people_list import choices
from webapp.picture_cache import Cache
from webapp.placeholder import silhouette
from webapp.portraits import SIDE_PX, Portraits

if TYPE_CHECKING:
    from faceid_core.library import FaceView

log = logging.getLogger(__name__)

Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
Size = Annotated[int | None, Query(ge=16, le=4096, description="Longer side in px")]
Probability = Annotated[
    float | None, Query(ge=0, le=1, description="Lowest probability at which a face gets a name")
]
Day = Annotated[IsoDay | None, Query(description="A day in UTC, YYYY-MM-DD")]
Who = Annotated[str | None, Query(max_length=100, description="Only what this user did or undid")]
Portrait = Annotated[bool, Query(description="Cut from the photo, with some room, instead of the aligned crop")]
Version = Annotated[str, Query(max_length=64, description="The server's cache token")]
Known = Annotated[str, Header(alias="If-None-Match")]


class Refusal(BaseModel):
    """Why a request was not answered, in one sentence."""

    error: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
    }
    for status, description in (
        (400, "The request can't be carried out."),
        (401, "Nobody is signed in, and no valid token was sent."),
        (403, "The signed-in user may not do this."),
        (404, "Nothing was found."),
        (409, "An earlier step has to be done first."),
        (411, "The upload has no length."),
        (413, "The upload is too large."),
        (422, "A field or picture is not valid."),
        (429, "Too many pictures at once; see Retry-After."),
        (503, "The library can't be used right now."),
        (507, "The disk is full."),
    )
}
"""The errors that every address may answer, for the OpenAPI description. Their model is given once, at /health:
given here, FastAPI would prepare it for each status of each address, which takes up most of the API's start."""


class UploadLimit:
    """Refuses a body that is larger than the limit before reading it."""

    def __init__(self, app: ASGIApp, limit_mb: int) -> None:
        self._app, self._limit_mb = app, limit_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        length = dict(scope["headers"]).get(b"content-length", b"")
        if not length.isdigit():
            return _sentence(411, "Send the size of the upload in a Content-Length header.")
        if int(length) > self._limit_mb * 1024**2:
            return _sentence(413, f"The upload is larger than {self._limit_mb} MB; send a smaller photo.")
        return None


def build(settings: Settings) -> FastAPI:
    """The sub-application for /api."""
    api = FastAPI(title="faceid", version=__version__, docs_url=None, redoc_url=None, responses=REFUSALS)
    api.add_middleware(ForWhomAsks)
    api.add_middleware(UploadLimit, limit_mb=settings.max_upload_mb)
    api.add_exception_handler(FaceIdError, _expected)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _not_served)
    api.add_exception_handler(Exception, _unexpected)
    _add_pictures(api)
    _add_facts(api)
    _add_boxes(api)
    _add_audit(api)
    add_exports(api)
    _add_recognition(api, settings)
    add_v1(api, settings)
    add_library(api)
    add_docs(api)
    add_live(api)
    return api


def _add_pictures(api: FastAPI) -> None:
    cache = Cache()
    portraits = Portraits(cache)

    @api.get("/faces/{face_id}.jpg", response_class=Response)
    async def face(
        request: Request,
        face_id: Number,
        size: Size = None,
        v: Version = "",
        known: Known = "",
        portrait: Portrait = False,
    ) -> Response:
        cut: bytes | None = None
        if portrait:
            with suppress(TooBusy):  # then the aligned crop has to do
                cut = await on_picture_thread(request, partial(_portrait, portraits, face_id, size))
        if cut is not None:
            return _picture(cut, known, immutable=v == CACHE_TOKEN)
        crop = await run_in_threadpool(_crop, face_id)
        if crop is None:  # it may come back, so that nobody keeps this one
            return _picture(silhouette(), known, immutable=False, kind="png")
        if size:
            key = ("face", hashlib.sha256(crop).digest(), size)
            crop = await run_in_threadpool(cache.get, key, partial(_scaled, crop, size))
        return _picture(crop, known, immutable=v == CACHE_TOKEN and not portrait)

    @api.get("/photos/{photo_id}.jpg", response_class=Response)
    async def photo(
        request: Request, photo_id: Number, size: Size = None, v: Version = "", known: Known = ""
    ) -> Response:
        def make() -> bytes:
            return _thumbnail(cache, library().photos.get(photo_id).path, size or 320)

        return _picture(await on_picture_thread(request, make), known, immutable=v == CACHE_TOKEN)


def _portrait(portraits: Portraits, face_id: int, size: int | None) -> bytes | None:
    """None where the aligned crop must do, or nothing may be shown. Raises NotFound."""
    found = library().faces.place(face_id)
    if found is None:
        return None
    others = [face.box for face in library().faces.of_photo(found.photo_id)]
    return portraits.get(found, others, size or SIDE_PX, library().settings)


def _crop(face_id: int) -> bytes | None:
    """None for a face of somebody who refused. Raises NotFound."""
    try:
        return library().faces.crop(face_id)
    except NotFound:
        library().faces.get(face_id)
        return None


def _add_facts(api: FastAPI) -> None:
    @api.get("/health", responses={503: {"model": Refusal, "description": REFUSALS[503]["description"]}})
    def health() -> dict[str, Any]:
        library().counts()
        return {"status": "ok", "version": __version__}

    @api.get("/counts")
    def counts() -> dict[str, Any]:
        return asdict(library().counts())

    @api.get("/people")
    def people() -> list[dict[str, Any]]:
        return [asdict(person) for person in library().people.all()]

    @api.get("/people/choices", include_in_schema=False, response_class=Response)
    def people_to_choose_from() -> Response:
        """For the name boxes of the pages; not cached, as the numbers of faces change with every act."""
        rows = json.dumps(choices(library().people.all()), ensure_ascii=False, separators=(",", ":"))
        return Response(rows, media_type="application/json", headers={"Cache-Control": "no-store"})


def _add_audit(api: FastAPI) -> None:
    @api.get("/audit.csv", response_class=StreamingResponse)
    def audit(first: Day = None, last: Day = None, by: Who = None) -> StreamingResponse:
        table = audit_blocks(library(), first=first, last=last, by=by)
        name = {"Content-Disposition": 'attachment; filename="faceid-audit.csv"', "Cache-Control": "no-store"}
        return StreamingResponse(table, media_type="text/csv; charset=utf-8", headers=name)


class Edges(BaseModel):
    """Where a face is, in pixels of the upright photo."""

    left: float
    top: float
    right: float
    bottom: float

    def box(self) -> Box:
        """As the library takes it."""
        return Box(self.left, self.top, self.right, self.bottom)


def _add_boxes(api: FastAPI) -> None:
    @api.get("/photos/{photo_id}/faces")
    def faces(photo_id: Number) -> list[dict[str, Any]]:
        library().photos.get(photo_id)
        return [_face_facts(face) for face in library().faces.of_photo(photo_id)]

    @api.post("/photos/{photo_id}/faces")
    def add(photo_id: Number, box: Edges) -> dict[str, Any]:
        return _face_facts(library().faces.get(library().faces.add(photo_id, box.box()).face_id))

    @api.put("/faces/{face_id}/box")
    def move(face_id: Number, box: Edges) -> dict[str, Any]:
        return _face_facts(library().faces.get(library().faces.move(face_id, box.box()).face_id))

    @api.delete("/faces/{face_id}")
    def remove(face_id: Number) -> dict[str, Any]:
        library().faces.get(face_id)
        library().faces.flag([face_id], Flag.NOT_A_FACE)
        return _face_facts(library().faces.get(face_id))


def _face_facts(face: FaceView) -> dict[str, Any]:
    facts = {"id": face.id, "photo_id": face.photo_id, "box": face.box.as_tuple(), "flag": face.flag.value}
    return {**facts, "person_id": face.person_id, "person": face.person}


def _add_recognition(api: FastAPI, settings: Settings) -> None:
    @api.post("/recognise")
    async def recognised(
        request: Request, image: Annotated[UploadFile, File()], threshold: Probability = None
    ) -> dict[str, Any]:
        faces = await on_picture_thread(request, partial(_recognised, image, settings, threshold))
        return {"photo": image.filename, "faces": faces}


def _recognised(image: UploadFile, settings: Settings, threshold: float | None) -> list[dict[str, Any]]:
    from faceid_core.steps.recognise import recognise

    try:
        with decoded(image.file, settings) as photo:
            found = recognise(library(), photo.pixels, threshold=threshold)
    except UnreadableImage as error:
        raise type(error)(why_unreadable(error, "upload")) from error
    return [face.as_dict() for face in found]


def _thumbnail(cache: Cache, path: str, size: int) -> bytes:
    """JPEG of an upright photo, or of a video's picture. NotFound where the file is gone, UnreadableImage where it
    is no photo."""
    file = frame_path.file_of(path)
    try:
        modified = file.stat().st_mtime_ns
    except OSError as error:
        raise NotFound(f"The file {file.name} is no longer where it was imported from; import it again.") from error

    def make() -> bytes:
        with decoded(path, library().settings) as photo:
            return images.encode_jpeg(images.thumbnail(photo.pixels, size), quality=85)

    return cache.get(("photo", path, modified, size), make)


def _scaled(crop: bytes, size: int) -> bytes:
    return images.encode_jpeg(images.thumbnail(images.decode_jpeg(crop), size))


def _picture(data: bytes, known: str, *, immutable: bool, kind: str = "jpeg") -> Response:
    """A picture with a strong ETag. Only an address that carries this server's token is cached without asking
    again: numbers start over in another library, and the browser must not show the faces of the last one."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    keep = "private, max-age=31536000, immutable" if immutable else "private, no-cache"
    headers = {"ETag": tag, "Cache-Control": keep}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=f"image/{kind}", headers=headers)


def _sentence(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)


STATUS: dict[type[FaceIdError], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    NotReady: 409,
    OutOfDate: 409,
    ModelUnusable: 409,
    EngineError: 503,
    ImageTooLarge: 413,
    UnreadableImage: 422,
    TooBusy: 429,
    DiskFull: 507,
    LibraryError: 503,
}
"""The first kind that fits counts."""

OUT_OF_ORDER = "The library can't be used right now; whoever runs faceid can find the reason in its log."


def _expected(_: Request, error: Exception) -> JSONResponse:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
    assert isinstance(error, FaceIdError)
    if isinstance(error, LibraryError) and not isinstance(error, LibraryBusy):
        log.error("the library can't be used: %s", error)  # it may name paths, which are no client's business
        return _sentence(status, OUT_OF_ORDER)
    answer = _sentence(status, in_words(error))
    if isinstance(error, TooBusy):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


NOT_SERVED = {
    400: "This upload is damaged; send the photo again, as multipart/form-data with the field image.",
    404: "There is nothing at this address; /api/docs lists all addresses.",
    405: "This address can't be used that way; see /api/docs.",
}


BAD_JSON = "The body of this request is no JSON; /api/docs says what it holds."


def _not_served(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses before any of our code sees the request."""
    assert isinstance(error, HTTPException)
    sentence = NOT_SERVED.get(error.status_code, "This request can't be carried out.")
    if error.status_code == 400 and request.headers.get("content-type", "").startswith("application/json"):
        sentence = BAD_JSON
    answer = _sentence(error.status_code, sentence)
    answer.headers.update(error.headers or {})
    return answer


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = error.errors()[0]
    return _sentence(422, f"The field {wrong['loc'][-1]} can't be used: {wrong['msg']}.")


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s failed", request.url.path, exc_info=error)
    return _sentence(500, "Something went wrong; the log has the details.")
