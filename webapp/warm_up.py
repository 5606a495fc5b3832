"""Loads the networks of the recogniser in use while nobody waits, so that the first photo is as quick as others."""

from __future__ import annotations

import logging
import threading

import numpy as np

from faceid_core.errors import FaceIdError
from faceid_core.library import Library

log = logging.getLogger(__name__)

AFTER_S = 4.0
"""After the start of the server: the first page comes first."""

FRAME = np.zeros((240, 320, 3), np.uint8)


def warm_up(library: Library) -> bool:
    """Load the recogniser in use and run each of its networks once. False where there is none that works: whoever
    asks for it is told why."""
    from faceid_core.steps.recognise import load_recogniser

    try:
        library.models.latest()
        recogniser = load_recogniser(library)
        recogniser.find(FRAME)
        size = recogniser.embedder.size_px
        recogniser.embed(np.zeros((1, size, size, 3), np.uint8))
    except FaceIdError as error:
        log.debug("Nothing to warm up: %s", error)
        return False
    except Exception:  # the library may have been closed meanwhile
        log.debug("The recogniser could not be warmed up.", exc_info=True)
        return False
    return True


def warm_up_soon(library: Library, after_s: float = AFTER_S) -> threading.Timer:
    """Do it in a thread that keeps nobody waiting, also not the end of the server."""
    timer = threading.Timer(after_s, warm_up, (library,))
    timer.daemon = True
    timer.start()
    return timer
