"""What the recognisers in Gradio show, as HTML: the picture with its boxes, names with bars, tables, sentences.

Whatever comes from people or files is escaped; pictures are data in the page, so that none lies around on the disk.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from faceid_core.exchange import recognition_table
from faceid_core.exchange.recognition_table import NO_FACE, PhotoAnswer
from faceid_core.media import annotate, images
from faceid_core.steps.recognise import NearFace
from faceid_core.values import Box, Guess, Image, Recognised
from faceid_core.wording import count, name_or_unknown
from webapp.markup import escaped_html, face_url

CROWD = 12
"""On photos of more faces, boxes show numbers instead of names."""

PREVIEW_PX, STRIP_PX, NEAR_PX = 1280, 112, 128

LEAST_SHARE = 0.005
"""Candidates below it are not shown: they would be 0%."""

MOST_LINES = 200
"""Photos that are listed after many were recognised; the table to download has all."""


# --- pictures ---------------------------------------------------------------------------------------------------
def data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def jpeg(pixels: Image, longer_side: int) -> str:
    """The picture (H, W, 3) as an address that holds it."""
    return data_uri(images.encode_jpeg(images.thumbnail(pixels, longer_side), quality=85), "image/jpeg")


def picture(address: str, name: str) -> str:
    return f'<img class="photo" src="{address}" alt="{escaped_html(name)}">'


def boxes(faces: Sequence[Recognised], size: tuple[int, int]) -> str:
    """Boxes to lie over a picture of (width, height) px, coloured by how sure the names are."""
    return "".join(_box(face, number, size, len(faces) > CROWD) for number, face in enumerate(faces, 1))


def _box(face: Recognised, number: int, size: tuple[int, int], crowd: bool) -> str:
    width, height = size
    place = (
        f"left:{face.box.left / width:.2%};top:{face.box.top / height:.2%};"
        f"width:{face.box.width / width:.2%};height:{face.box.height / height:.2%}"
    )
    label = str(number) if crowd else name_or_unknown(face.name)
    side = " left-of" if face.box.left > 0.7 * width else ""
    low = " above" if face.box.bottom > 0.9 * height else ""
    kind = annotate.certainty(face)
    return f'<div class="box {kind}{side}{low}" style="{place}"><span>{escaped_html(label)}</span></div>'


# --- names ------------------------------------------------------------------------------------------------------
def people(photo: str, faces: Sequence[Recognised]) -> str:
    """The list beside the picture, with its downloads."""
    lines = "".join(_line(face, number) for number, face in enumerate(faces, 1))
    answer = PhotoAnswer(photo, tuple(faces))
    return f'<table class="people">{lines}</table>{downloads([answer], photo)}'


def _line(face: Recognised, number: int) -> str:
    others = ", ".join(_guess(guess) for guess in face.runners_up[:2] if guess.probability >= LEAST_SHARE)
    after = f"<small>{'or' if face.name else 'perhaps'} {others}</small>" if others else ""
    return (
        f'<tr><td><i class="dot {annotate.certainty(face)}">{number}</i></td>'
        f"<td><b>{escaped_html(name_or_unknown(face.name))}</b>{after}</td><td>{face.probability:.0%}</td></tr>"
    )


def _guess(guess: Guess) -> str:
    return f"{escaped_html(name_or_unknown(guess.name))} {guess.probability:.0%}"


def answer(face: Recognised, crop: str) -> str:
    """One face: who it is most likely, with a bar for each candidate; somebody unknown is said to be so."""
    kind = annotate.certainty(face)
    said = {
        "sure": "",
        "likely": "Likely, but not sure.",
        "unknown": "Nobody the recogniser knows.",
    }[kind]
    named = [] if face.name is None else [Guess(face.name, face.probability)]
    bars = "".join(_bar(guess.name, guess.probability, kind if guess in named else "other")
                   for guess in (*named, *_worth_a_bar(face)))  # fmt: skip
    if face.name is None:
        bars = _bar(None, face.probability, "unknown") + bars
    return (
        f'<div class="answer"><img src="{crop}" alt=""><div><h2>{escaped_html(name_or_unknown(face.name))}</h2>'
        f"<p>{said}</p></div></div>{bars}"
    )


def _worth_a_bar(face: Recognised) -> list[Guess]:
    """The next candidates, without those who are out of the question; one at least."""
    return [guess for place, guess in enumerate(face.runners_up) if place == 0 or guess.probability >= LEAST_SHARE]


def _bar(name: str | None, share: float, kind: str) -> str:
    text = "Somebody else" if name is None else name_or_unknown(name)
    return (
        f'<div class="bar {kind}"><span>{escaped_html(text)}</span><b>{share:.0%}</b>'
        f'<div><div style="width:{share:.1%}"></div></div></div>'
    )


def strip(crops: Sequence[str], faces: Sequence[Recognised], chosen: int) -> str:
    """The faces of a photo to choose from; nothing for a single one."""
    if len(faces) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" data-face="{place}" aria-pressed="{str(place == chosen).lower()}" '
        f'title="{escaped_html(name_or_unknown(face.name))}"><img src="{crop}" alt="Face {place + 1}"></button>'
        for place, (crop, face) in enumerate(zip(crops, faces, strict=True))
    )
    return f'<p class="hint">{count(len(faces), "face")}: choose one.</p><div class="strip">{buttons}</div>'


CHOOSE = """
element.addEventListener('click', event => {
  const button = event.target.closest('[data-face]')
  if (button) trigger('click', {face: Number(button.dataset.face)})
})
"""
"""The script of the strip."""


def near(faces: Sequence[NearFace]) -> str:
    """The nearest faces of the library, as far as whoever looks may see them."""
    if not faces:
        return ""
    tiles = "".join(
        f'<figure><img src="{face_url(face.face_id, NEAR_PX)}" alt="">'
        f"<figcaption>{escaped_html(name_or_unknown(face.name))}<small>{face.distance:.2f}</small></figcaption></figure>"
        for face in faces
    )
    return f'<h3>Closest known faces <small>and their distance</small></h3><div class="near">{tiles}</div>'


# --- tables and sentences ---------------------------------------------------------------------------------------
def downloads(answers: Sequence[PhotoAnswer], name: str) -> str:
    """A button that copies the table, and links to it as CSV and JSON."""
    stream = io.StringIO()
    recognition_table.write_csv(answers, stream)
    stem = escaped_html(name.rpartition(".")[0] or name)
    csv = data_uri(stream.getvalue().encode(), "text/csv")
    json = data_uri(recognition_table.json_text(answers).encode(), "application/json")
    table = escaped_html(recognition_table.tab_separated(answers))
    return (
        f'<div class="tools"><button type="button" class="copy" data-table="{table}">Copy table</button>'
        f'<a download="{stem}.csv" href="{csv}">CSV</a><a download="{stem}.json" href="{json}">JSON</a></div>'
    )


COPY = """
element.addEventListener('click', async event => {
  const button = event.target.closest('.copy')
  if (!button) return
  try {
    await navigator.clipboard.writeText(button.dataset.table)
  } catch {
    const area = Object.assign(document.createElement('textarea'), {value: button.dataset.table})
    document.body.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
  button.textContent = 'Copied'
})
"""
"""The script of the component that holds `downloads`: on pages that came by plain HTTP, only the old way to copy
works."""


def sentence(text: str, *, wrong: bool = False) -> str:
    return f'<p class="note{" wrong" if wrong else ""}" role="status">{escaped_html(text)}</p>' if text else ""


def progress(done: int, total: int) -> str:
    return (
        f'<p class="note" role="status">{done:,} of {count(total, "photo")}</p>'
        f'<progress max="{total}" value="{done}"></progress>'
    )


def many(answers: Sequence[PhotoAnswer], name: str) -> str:
    """The result of many photos: the figures, the table to download, and the first photos one by one."""
    faces = [face for each in answers for face in each.faces]
    unreadable = sum(each.problem is not None for each in answers)
    named = sum(face.name is not None for face in faces)
    parts = [f"{count(len(answers) - unreadable, 'photo')}, {count(len(faces), 'face')}, {named:,} recognised"]
    parts += [f"{count(unreadable, 'file')} could not be read"] if unreadable else []
    lines = "".join(
        f"<tr><td>{escaped_html(each.photo)}</td><td>{escaped_html(_who(each))}</td></tr>"
        for each in answers[:MOST_LINES]
    )
    more = f"<p>The download has {len(answers) - MOST_LINES:,} more.</p>" if len(answers) > MOST_LINES else ""
    return (
        f'<p class="note" role="status">{"; ".join(parts)}.</p>{downloads(answers, name)}'
        f'<table class="photos">{lines}</table>{more}'
    )


def _who(answer: PhotoAnswer) -> str:
    if answer.problem is not None:
        return f"Could not be read: {answer.problem}"
    names = [name_or_unknown(face.name) for face in answer.faces]
    return ", ".join(names) or NO_FACE.replace("_", " ").capitalize()


def crop(pixels: Image, box: Box) -> str:
    """The face cut out, for the strip and the answer."""
    return jpeg(annotate.cut_out(pixels, box, 0.25)[0], 2 * STRIP_PX)


def download(name: str, address: str) -> str:
    return f'<a download="{escaped_html(name)}" href="{address}">{escaped_html(name)}</a>'
