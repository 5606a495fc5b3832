"""What open pages upload, behind the gate: only by whom it is of use to, and while the disk has room.

Streamlit and Gradio take any number of files from everybody who has a page open: the one keeps them in memory, the
other on the disk.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from faceid_core.values import Role
from webapp.access.gate import path_of
from webapp.access.identity import HEADER, Identity, Visitors
from webapp.guard import SAFE_METHODS

INTO_MEMORY = re.compile(r"/_stcore/upload_file(/.*)?")
"""Of the import on the page Photos, which takes an owner."""

ONTO_DISK = re.compile(r"/gradio/\w+/gradio_api/upload/?")
"""Of the recognisers."""

SPARE_BYTES, SPARE_SHARE = 1 << 30, 0.05
"""What uploads leave of the disk, the smaller of both: the library must still be able to write."""

NOT_YOURS = "Only owners import photos."
NO_LENGTH = "Send the size of the upload in a Content-Length header."
NO_ROOM = "The disk is nearly full; ask whoever runs faceid to make room."


class Uploads:
    """ASGI middleware. folder: where the recognisers' pictures lie for the time being."""

    def __init__(self, app: ASGIApp, visitors: Visitors, folder: Path) -> None:
        self._app, self._visitors, self._folder = app, visitors, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            refusal = await self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        path = path_of(scope)
        if INTO_MEMORY.fullmatch(path) and not await to_thread.run_sync(self._is_owner, scope):
            return JSONResponse({"error": NOT_YOURS}, 403)
        if ONTO_DISK.fullmatch(path):
            length = Headers(scope=scope).get("content-length", "")
            if not length.isdecimal():
                return JSONResponse({"error": NO_LENGTH}, 411)
            if not await to_thread.run_sync(self._has_room, int(length)):
                return JSONResponse({"error": NO_ROOM}, 507)
        return None

    def _is_owner(self, scope: Scope) -> bool:
        """Without a user, everybody is: the gate let them through without a name."""
        named = Headers(scope=scope).get(HEADER)
        user = self._visitors.user(Identity.parse(named)) if named else None
        return not named or (user is not None and user.role.includes(Role.OWNER))

    def _has_room(self, size_bytes: int) -> bool:
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:  # the folder is gone, and Gradio's own error says so
            return True
        return disk.free - size_bytes >= min(SPARE_BYTES, SPARE_SHARE * disk.total)
