"""Set what a person said to being recognised, and see to a recogniser without them."""

from __future__ import annotations

from datetime import date

from faceid_core.library import ConsentChanged, ConsentView, Library
from faceid_core.values import ConsentState


def set_consent(
    library: Library,
    person_id: int,
    state: ConsentState,
    *,
    basis: str = "",
    given_on: date | None = None,
    until: date | None = None,
    drawn: ConsentView | None = None,
) -> ConsentChanged:
    """Like `library.consents.set`, with the same errors. Where the recogniser in use goes because of a refusal, a
    training without the person is queued."""
    active = _active(library)
    changed = library.consents.set(person_id, state, basis=basis, given_on=given_on, until=until, drawn=drawn)
    if active is not None and active not in {model.id for model in library.models.all()}:
        library.jobs.submit("train", {})
    return changed


def _active(library: Library) -> int | None:
    return next((model.id for model in library.models.all() if model.is_active), None)
