"""Google Takeout: a JSON sidecar per photo, which names its people without their positions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from faceid_core.exchange import json_beside
from faceid_core.exchange.face_regions import PhotoNames

LONGEST = 46
"""Maximum characters of the JSON's name before .json and a number; longer names are truncated (ente/ente#4956)."""

_NUMBERED = re.compile(r"(.*)(\(\d+\))(\.[^.]*)")


def survey(path: Path) -> PhotoNames:
    """Return the people in a photo from Google Takeout."""
    found = PhotoNames()
    file = json_beside.first(_candidates(path))
    if file is None:
        return found
    try:
        told = json_beside.read(file)
        people = told.get("people", []) if isinstance(told, dict) and "title" in told else []
        names = [
            json_beside.text(person["name"])
            for person in people
            if isinstance(person, dict) and isinstance(person.get("name"), str)
        ]
    except (OSError, ValueError, RecursionError, TypeError) as error:
        found.unusable.append(json_beside.unusable(file, "Google Takeout", error))
        return found
    found.people += [name for name in dict.fromkeys(names) if name.strip()]
    return found


def _candidates(path: Path) -> Iterator[Path]:
    """Yield photo.jpg.supplemental-metadata.json, truncated if too long, and photo.jpg.json as before 2024. The
    number of photo(1).jpg goes to the end."""
    numbered = _NUMBERED.fullmatch(path.name)
    name, number = (numbered[1] + numbered[3], numbered[2]) if numbered else (path.name, "")
    for base in (f"{name}.supplemental-metadata", name):
        yield path.with_name(f"{base[:LONGEST]}{number}.json")
