"""What whoever has a link sees: photos of one person or one search on a plain page that needs no script.

Photos are found by the link alone, which is looked up again for each of them, and are re-encoded: no name, no place
and no other metadata is in them, and faces that the link does not show are blurred beyond recognition.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from faceid_core import frame_path
from faceid_core.errors import FaceIdError, LibraryError, NotFound, TooBusy
from faceid_core.library import GONE, passwords
from faceid_core.media import annotate, images
from faceid_core.wording import count
from webapp import context, theme
from webapp.access.pages import EVERY_METHOD
from webapp.access.throttle import Throttle, network_of
from webapp.api import OUT_OF_ORDER
from webapp.picture_cache import Cache
from webapp.wording import long_date, number_in

if TYPE_CHECKING:
    from faceid_core.library import Library, PhotoView, ShareView
    from faceid_core.values import Box

log = logging.getLogger(__name__)

PAGE_PHOTOS = 60
SIDES_PX = {"small": 480, "large": 1600, "download": 2560}
"""Longer sides of the pictures."""

FREE_BY_ADDRESS, FREE_BY_LINK = 5, 50
"""Wrong passwords that cost no wait: of one address, and of all that try one link."""

MOST_FORM_BYTES = 4096
WRONG = "That password is wrong."
PRIVATE = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Referrer-Policy": "no-referrer"}

Endpoint = Callable[[Request], Response]


class SharedPages:
    """The routes of /share, which ask for nothing but the link and its password."""

    def __init__(self, library: Callable[[], Library]) -> None:
        self._library = library
        self._cache = Cache()
        self._by_address, self._by_link = Throttle(FREE_BY_ADDRESS), Throttle(FREE_BY_LINK)
        loader = PackageLoader("webapp", "templates")
        self._template = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True).get_template(
            "shared.html"
        )

    def routes(self) -> list[BaseRoute]:
        """For the app, behind the gate, which lets everybody through to them."""
        return [
            Route("/share/style.css", self._style, methods=["GET"]),
            Route("/share/{secret:str}", self._explained(self._show), methods=["GET"]),
            Route("/share/{secret:str}", self._unlock, methods=["POST"]),
            Route("/share/{secret:str}/{photo:int}.jpg", self._on_picture_thread, methods=["GET"]),
            # The gate lets everybody through to these addresses, so none may fall through to the app.
            Route("/share/{rest:path}", self._nothing, methods=EVERY_METHOD),
        ]

    # --- pages --------------------------------------------------------------------------------------------------
    def _show(self, request: Request) -> Response:
        share = self._library().shares.open(_secret(request))
        if not _is_unlocked(request, share):
            return self._ask(request)
        after = request.query_params.get("after", "")
        return self._photos(request, share, number_in(after))

    def _photos(self, request: Request, share: ShareView, after: int | None) -> Response:
        shares = self._library().shares
        found = shares.photos(share, after=after, limit=PAGE_PHOTOS + 1)
        if after is None:
            shares.count_view(share.id)
        return self._page(
            request,
            share.heading,
            photos=[_tile(photo) for photo in found[:PAGE_PHOTOS]],
            count=count(shares.number(share), "photo"),
            until=long_date(share.expires_at),
            blurred=share.blur_others,
            downloads=share.downloads,
            after=after,
            more=found[PAGE_PHOTOS - 1].id if len(found) > PAGE_PHOTOS else None,
        )

    def _ask(self, request: Request, problem: str = "", status: int = 200) -> Response:
        answer = self._page(request, "Shared photos", asks=True, problem=problem, status=status)
        answer.headers["Referrer-Policy"] = (
            "same-origin"  # else browsers hide from the guard where the form is from
        )
        return answer

    def _page(self, request: Request, heading: str, *, status: int = 200, **values: Any) -> Response:
        root = str(request.scope.get("root_path", ""))
        here = f"{root}/share/{_secret(request)}"
        text = self._template.render(heading=heading, root=root, here=here, **values)
        return HTMLResponse(text, status, headers={**PRIVATE, "Cache-Control": "private, no-store"})

    def _explained(self, answer: Endpoint) -> Endpoint:
        """Expected failures become a page with their sentence."""

        @wraps(answer)
        def explained(request: Request) -> Response:
            try:
                return answer(request)
            except FaceIdError as error:
                return self._failure(request, error)

        return explained

    def _failure(self, request: Request, error: FaceIdError) -> Response:
        if isinstance(error, LibraryError):
            log.error("the library can't be used: %s", error)
            return self._page(request, "Not now", problem=OUT_OF_ORDER, status=503)
        if isinstance(error, TooBusy):
            answer = self._page(request, "Not now", problem=str(error), status=429)
            answer.headers["Retry-After"] = str(error.retry_after_s)
            return answer
        return self._page(request, "Nothing here", problem=GONE, status=404)

    async def _nothing(self, _: Request) -> Response:
        return Response(status_code=404, headers={**PRIVATE, "Cache-Control": "private, no-store"})

    # --- the password -------------------------------------------------------------------------------------------
    async def _unlock(self, request: Request) -> Response:
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_FORM_BYTES:
            return self._page(request, "Not now", problem="That form is too large.", status=413)
        given = (await request.form(max_files=0, max_fields=2)).get("password", "")
        check = self._explained(partial(self._try_password, given=given if isinstance(given, str) else ""))
        return await to_thread.run_sync(check, request)

    def _try_password(self, request: Request, *, given: str) -> Response:
        share = self._library().shares.open(_secret(request))
        address = f"{share.id} {network_of(request.client.host if request.client else '')}"
        if wait := self._by_address.begin(address) or self._by_link.begin(str(share.id)):
            answer = self._ask(request, f"Too many wrong passwords; try again in {wait} s.", 429)
            answer.headers["Retry-After"] = str(wait)
            return answer
        if share.password is not None and not passwords.fits(given, share.password):
            return self._ask(request, WRONG, 401)
        self._by_address.succeeded(address)
        self._by_link.not_failed(str(share.id))
        root = str(request.scope.get("root_path", ""))
        here = f"{root}/share/{_secret(request)}"
        answer = Response(
            status_code=303, headers={"Location": here, **PRIVATE, "Cache-Control": "private, no-store"}
        )
        key = _key(request, share)
        answer.set_cookie(_cookie(share), key, path=here, httponly=True, samesite="lax")
        return answer

    # --- pictures -----------------------------------------------------------------------------------------------
    async def _on_picture_thread(self, request: Request) -> Response:
        try:
            return await context.on_picture_thread(request, partial(self._picture, request))
        except FaceIdError as error:
            return await to_thread.run_sync(self._failure, request, error)

    def _picture(self, request: Request) -> Response:
        library = self._library()
        share = library.shares.open(_secret(request))
        size = request.query_params.get("size", "small")
        if not _is_unlocked(request, share) or size not in SIDES_PX or (size == "download" and not share.downloads):
            raise NotFound(GONE)
        photo, boxes = library.shares.photo(share, request.path_params["photo"])
        data = self._rendered(library, photo, boxes, size)
        tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        headers = {**PRIVATE, "Cache-Control": "private, no-cache", "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if size == "download":
            headers["Content-Disposition"] = f'attachment; filename="photo-{photo.id}.jpg"'
        return Response(data, media_type="image/jpeg", headers=headers)

    def _rendered(self, library: Library, photo: PhotoView, boxes: list[Box], size: str) -> bytes:
        """JPEG without metadata. NotFound where the file is gone, or is not the one in which the faces were found:
        the boxes would blur something else."""
        try:
            stat = frame_path.file_of(photo.path).stat()
        except OSError as error:
            raise NotFound(GONE) from error
        state = {photo.path: (stat.st_size, stat.st_mtime_ns)}
        is_file = frame_path.split(photo.path)[1] is None
        if boxes and is_file and not library.photos.unchanged(state):
            raise NotFound(GONE)

        def make() -> bytes:
            with context.decoded(photo.path, library.settings) as found:
                if boxes and found.pixels.shape[:2] != (photo.height, photo.width):
                    raise NotFound(GONE)
                pixels = images.thumbnail(found.pixels, SIDES_PX[size])
            scale = pixels.shape[1] / photo.width
            return images.encode_jpeg(annotate.blurred(pixels, [box.scaled(scale) for box in boxes]), quality=85)

        shown = tuple(box.as_tuple() for box in boxes)
        return self._cache.get((photo.id, stat.st_size, stat.st_mtime_ns, size, shown), make)

    def _style(self, request: Request) -> Response:
        return Response(theme.shared_css(str(request.scope.get("root_path", ""))), media_type="text/css")


def _secret(request: Request) -> str:
    return str(request.path_params["secret"])


def _tile(photo: PhotoView) -> dict[str, Any]:
    day = long_date(photo.taken_at) if photo.taken_at else ""
    return {"id": photo.id, "width": photo.width, "height": photo.height, "day": day}


def _cookie(share: ShareView) -> str:
    return f"faceid_share_{share.id}"


def _key(request: Request, share: ShareView) -> str:
    """What only somebody who gave the password can show; another password makes it worthless."""
    return hmac.new((share.password or "").encode(), _secret(request).encode(), "sha256").hexdigest()


def _is_unlocked(request: Request, share: ShareView) -> bool:
    if share.password is None:
        return True
    shown = request.cookies.get(_cookie(share), "")
    return hmac.compare_digest(shown.encode(), _key(request, share).encode())
