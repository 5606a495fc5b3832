"""Choose the recogniser that recognises."""

from __future__ import annotations

from faceid_core.library import Act, Library
from faceid_core.values import Role


def activate(library: Library, model_id: int) -> Act:
    """Recognise with this one from now on, once it is sure that its files can. Raises NotFound, ModelUnusable."""
    from faceid_core.recognition import model_files
    from faceid_core.recognition.recogniser import check_embedder

    library.actor.require(Role.OWNER)
    model = library.models.get(model_id)
    check_embedder(model_files.read(library.settings.models_folder / model.artifact), library.settings)
    return library.models.activate(model_id)
