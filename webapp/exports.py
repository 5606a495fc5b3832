"""Exports as downloads: a file, or the files of a folder as a zip archive that is made while it is sent."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from fastapi import Path as Path_
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from faceid_core.library import ExportQuery, PhotoQuery
from faceid_core.steps import export, export_originals, export_recogniser
from webapp.context import library
from webapp.days import IsoDay

Name = Literal[
    "faces.csv", "faces.json", "faces.parquet", "vectors.npz", "vectors.parquet", "albums.zip", "gallery.zip",
    "imagefolder.zip", "lfw.zip", "webdataset.zip", "huggingface.zip", "coco.zip", "fiftyone.zip", "cvat.zip",
    "labelstudio.zip"
]  # fmt: skip
"""What can be downloaded; a zip archive is called like its form."""

Number = Annotated[int, Query(ge=1, le=2**31 - 1)]
People = Annotated[list[Number] | None, Query(max_length=500, description="Only these people")]
Day = Annotated[
    IsoDay | None, Query(description="A day, YYYY-MM-DD, on or after or before which photos were taken")
]
Quality = Annotated[float, Query(ge=0, le=1, description="Lowest quality of a face")]
Shown = Literal["none", "not_a_face", "stranger"]
Flags = Annotated[
    list[Shown] | None,
    Query(max_length=3, description="Faces with these flags [all in a table of faces, else those without one]"),
]
Search = Annotated[str | None, Query(max_length=20_000, include_in_schema=False)]
"""Only photos that this search asks for: a PhotoQuery as JSON, which the page Photos writes for itself."""
PRIVATE = {"Cache-Control": "no-store"}


def form_of(name: str) -> str:
    """The form of a download."""
    stem = name.rpartition(".")[0]
    return {"faces": export.TABLE, "vectors": export.EMBEDDINGS}.get(stem, stem)


def add_exports(api: FastAPI) -> None:
    """The addresses of the downloads."""

    @api.get("/exports/{name}", response_class=Response)
    def exported(
        name: Name, person: People = None, first: Day = None, last: Day = None, quality: Quality = 0.0,
        flag: Flags = None, search: Search = None,
    ) -> Response:  # fmt: skip
        form = form_of(name)
        photos = _asked(search)
        photos = replace(photos, taken_from=first or photos.taken_from, taken_to=last or photos.taken_to)
        query = export.as_query(form, people=person or (), photos=photos, quality=quality, flags=flag or ())
        if not name.endswith(".zip"):
            return _file(name, form, query)
        pieces = export.archive(library(), form, query)
        named = {**PRIVATE, "Content-Disposition": f'attachment; filename="faceid-{name}"'}
        return StreamingResponse(pieces, media_type="application/zip", headers=named)

    @api.get("/originals.zip", response_class=Response)
    def originals(search: Search = None) -> Response:
        """The files of photos as they are."""
        pieces = export_originals.archive(library(), _asked(search))
        named = {**PRIVATE, "Content-Disposition": 'attachment; filename="faceid-photos.zip"'}
        return StreamingResponse(pieces, media_type="application/zip", headers=named)

    @api.get("/recognisers/{number}.zip", response_class=Response)
    def recogniser(number: Annotated[int, Path_(ge=1, le=2**31 - 1)]) -> Response:
        pieces = export_recogniser.archive(library(), number)
        named = {**PRIVATE, "Content-Disposition": f'attachment; filename="faceid-recogniser-{number}.zip"'}
        return StreamingResponse(pieces, media_type="application/zip", headers=named)


def _asked(search: str | None) -> PhotoQuery:
    """Raises BadInput for what is no search."""
    return replace(PhotoQuery.from_json(search), status=None) if search else PhotoQuery()


def _file(name: str, form: str, query: ExportQuery) -> Response:
    """Written first, so that a failure is an answer of its own; deleted once it is sent."""
    mine = library()
    folder = Path(tempfile.mkdtemp(prefix=".faceid-", dir=mine.settings.library))
    remove = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        export.export_as(mine, folder / name, form, query)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(folder / name, filename=f"faceid-{name}", headers=PRIVATE, background=remove)
