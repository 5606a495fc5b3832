"""Google Takeout: a JSON file beside each photo, which names its people without saying where they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from faceid_core.exchange.face_regions import PhotoNames, UnusableName

LONGEST = 46
"""Characters of the JSON's name before .json and a number; longer ones are cut off (ente/ente#4956)."""

LARGEST_BYTES = 1 << 20
_NUMBERED = re.compile(r"(.*)(\(\d+\))(\.[^.]*)")


def survey(path: Path) -> PhotoNames:
    """The people of a photo that came out of Google Takeout."""
    found = PhotoNames()
    file = next((file for file in _candidates(path) if file.is_file()), None)
    if file is None:
        return found
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise ValueError("it is larger than 1 MB")
        told = json.loads(file.read_bytes())
        people = told.get("people", []) if isinstance(told, dict) and "title" in told else []
        names = [
            person["name"] for person in people if isinstance(person, dict) and isinstance(person.get("name"), str)
        ]
    except (OSError, ValueError, RecursionError, TypeError) as error:
        reason = getattr(error, "strerror", None) or f"it is no JSON of Google Takeout ({error})"
        found.unusable.append(UnusableName("", f"{file.name} names nobody: {reason}"))
        return found
    found.people += [name for name in dict.fromkeys(names) if name.strip()]
    return found


def _candidates(path: Path) -> Iterator[Path]:
    """photo.jpg.supplemental-metadata.json, cut off where that is long; photo.jpg.json before 2024. The number of
    photo(1).jpg goes behind."""
    numbered = _NUMBERED.fullmatch(path.name)
    name, number = (numbered[1] + numbered[3], numbered[2]) if numbered else (path.name, "")
    for base in (f"{name}.supplemental-metadata", name):
        yield path.with_name(f"{base[:LONGEST]}{number}.json")
