"""What a face in a grid says of itself."""

from __future__ import annotations

from dataclasses import replace

from faceid_core.library import Library
from webapp.components.face_grid import Note, face_data


def test_a_face_says_who_it_is_and_what_spoils_it(filled: Library) -> None:
    face = filled.faces.singles()[0]
    assert face_data(face)["title"] == "Unnamed face, quality 90%"
    assert face_data(face)["low"] is None
    poor = replace(face, quality=0.12, quality_parts={"size": 0.3, "sharpness": 0.02}, person="Ada", cluster=3)
    shown = face_data(poor)
    assert shown["title"] == "Ada, group 3, quality 12% (blurred, few pixels)"
    assert (shown["name"], shown["low"]) == ("Ada", "blurred")
    assert face_data(replace(poor, quality_parts={}))["low"] == "low quality"


def test_a_note_is_written_on_the_face_and_told_with_it(filled: Library) -> None:
    shown = face_data(filled.faces.singles()[0], note=Note("0.41", "0.41 from Ada; next is Bo at 0.60."))
    assert shown["name"] == "0.41"
    assert shown["title"] == "Unnamed face, quality 90%. 0.41 from Ada; next is Bo at 0.60."
