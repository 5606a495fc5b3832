"""Some of the faces that wait for a name, and how many are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from webapp.context import library
from webapp.markup import escaped_html, face_url
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Counts

FACES = 5
SIDE_PX = 160


def waiting_faces(counts: Counts) -> None:
    """Draw them, and the bar of what has a name."""
    st.progress(counts.named / max(counts.named + counts.unnamed, 1), text=f"{count(counts.unnamed, 'face')} left")
    pictures = "".join(
        f'<img src="{escaped_html(face_url(face, SIDE_PX))}" alt="" loading="lazy">' for face in _faces()
    )
    st.html(f'<div class="waiting" role="img" aria-label="Some of the faces without a name">{pictures}</div>')


def _faces() -> list[int]:
    """The best face of each of the largest groups without a name, then single ones."""
    found = [group.face_ids[0] for group in library().clusters.page(limit=FACES)]
    if len(found) < FACES:
        found += [face.id for face in library().faces.singles(limit=FACES - len(found))]
    return found
