"""Which key gives which answer on the page Name faces: everybody's own choice, in a file of the library."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from types import MappingProxyType

from faceid_core.atomic import replaced
from faceid_core.errors import BadInput
from faceid_core.settings import Settings

log = logging.getLogger(__name__)

USUAL: Mapping[str, str] = MappingProxyType(
    {"yes": "Y", "no": "N", "skip": "S", "stranger": "U", "not_a_face": "X", "undo": "Z"}
)
"""What can be given another key. Digits, Enter and ? have one meaning for everybody."""

FILE = "keys.json"
"""Of the library's folder."""

_lock = threading.Lock()


def keys_of(settings: Settings, user: str) -> dict[str, str]:
    """Answer -> key, in capitals, as this user chose."""
    chosen = _all(settings).get(user, {})
    return {action: chosen.get(action, usual) for action, usual in USUAL.items()}


def change_key(settings: Settings, user: str, action: str, key: str) -> None:
    """Give an answer another key; where another answer has it, the two change places.

    Raises BadInput for what is no letter or mark, or has a fixed meaning.
    """
    key = key.upper()
    if action not in USUAL:
        raise BadInput("This key can’t be changed.")
    if len(key) != 1 or not key.isprintable() or key.isspace() or key.isdigit() or key == "?":
        raise BadInput("Choose a letter or a mark; digits, Enter and ? keep their meaning.")
    with _lock:
        every, mine = _all(settings), keys_of(settings, user)
        other = next((one for one, taken in mine.items() if taken == key), action)
        mine[other], mine[action] = mine[action], key
        every[user] = mine
        with replaced(settings.library / FILE, private=True) as partial:
            partial.write_text(json.dumps(every, ensure_ascii=False), encoding="utf-8")


def _all(settings: Settings) -> dict[str, dict[str, str]]:
    """Of all users; a file that can't be read counts as none."""
    try:
        kept = json.loads((settings.library / FILE).read_text(encoding="utf-8"))
        return {str(user): {str(a): str(k) for a, k in keys.items()} for user, keys in kept.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        log.warning("the chosen keys can't be read: %s", error)
        return {}
