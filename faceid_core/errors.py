"""Every expected failure: one class per situation, its message says what to do.

    FaceIdError
    ├── BadInput
    │   ├── PathNotFound
    │   ├── RemoteUnusable
    │   ├── NothingToImport
    │   ├── UnreadableImage
    │   │   ├── ImageTooLarge
    │   │   └── IsVideo
    │   ├── InvalidName
    │   ├── NameTaken
    │   ├── TwiceOnPhoto
    │   ├── Conflict
    │   ├── PasswordUnusable
    │   ├── LastOwner
    │   ├── UnknownChoice
    │   ├── InvalidSetting
    │   ├── NotWritable
    │   ├── SidecarUnusable
    │   ├── ServerUnusable
    │   ├── BackupUnusable
    │   └── DecisionsUnusable
    ├── NotReady
    │   ├── NoLibrary
    │   ├── NoPhotos
    │   ├── NoFaces
    │   ├── NoModel
    │   ├── NotEnoughLabels
    │   └── NotMeasured
    ├── NotFound
    │   └── ErasedMeanwhile
    ├── OutOfDate
    ├── LibraryError
    │   ├── LibraryBusy
    │   ├── DiskFull
    │   ├── ReadOnlyLibrary
    │   ├── Unreachable
    │   ├── LeaseLost
    │   ├── DriverMissing
    │   ├── SchemaOutdated
    │   └── SchemaTooNew
    ├── EngineError
    │   ├── WeightsMissing
    │   ├── WeightsUnsupported
    │   ├── ModelUnusable
    │   ├── CustomModelUnusable
    │   ├── VectorsNotFinite
    │   ├── WorkersUnusable
    │   ├── ClusterUnusable
    │   │   └── ClusterLost
    │   ├── ExifToolMissing
    │   ├── TrainerMissing
    │   └── ReferenceMissing
    ├── NotAllowed
    ├── NotSignedIn
    ├── TooBusy
    └── JobCancelled

The edges (CLI, page, job, API) catch FaceIdError and show its sentence; anything else is a bug and is logged
with its traceback. A caller's mistake in Python (a wrong shape, say) is a ValueError.
"""

from __future__ import annotations


class FaceIdError(Exception):
    """Root of every failure that a user can do something about."""


class BadInput(FaceIdError):
    """What the user gave can't be used."""


class PathNotFound(BadInput):
    """A file or folder that does not exist."""


class RemoteUnusable(BadInput):
    """A bucket or another machine with photos that can't be asked: no package, no credentials, no network."""


class NothingToImport(BadInput):
    """A folder without a single photo."""


class UnreadableImage(BadInput):
    """A file that is not a photo, or a damaged one. The message is the reason, without the path."""


class ImageTooLarge(UnreadableImage):
    """More pixels than the setting allows: refused before decoding."""


class IsVideo(UnreadableImage):
    """A video where a photo was wanted."""


class InvalidName(BadInput):
    """An empty or overlong name."""


class NameTaken(BadInput):
    """Another person already has this name."""


class TwiceOnPhoto(BadInput):
    """A person would be in one photo twice, and nobody has confirmed it."""


class Conflict(BadInput):
    """Rows that an act, an undo or a redo would write are not as it expects them."""


class PasswordUnusable(BadInput):
    """A password that is too short or too long."""


class LastOwner(BadInput):
    """Without that owner nobody could say any more who may come in."""


class UnknownChoice(BadInput):
    """A name that is not in a registry, such as a clusterer that does not exist."""


class InvalidSetting(BadInput):
    """A setting, from the environment or an option, that can't be used."""


class NotWritable(BadInput):
    """A place where a file can't be written."""


class SidecarUnusable(BadInput):
    """An XMP file that can't be read or changed. The message is the reason, without the path."""


class ServerUnusable(BadInput):
    """A photo server can't be reached, refuses, or answers in another form than it promises."""


class BackupUnusable(BadInput):
    """A file that is not a backup, is damaged, or was made by a newer version."""


class DecisionsUnusable(BadInput):
    """A file that holds no exported decisions, or a damaged one."""


class NotReady(FaceIdError):
    """An earlier step has to be done first."""


class NoLibrary(NotReady):
    """No library has been made in that folder yet."""


class NoPhotos(NotReady):
    """The library has no photo yet."""


class NoFaces(NotReady):
    """The library has no face that this step could use."""


class NoModel(NotReady):
    """No recogniser has been trained yet."""


class NotEnoughLabels(NotReady):
    """Too few people, or too few faces of them, to train."""


class NotMeasured(NotReady):
    """Something that can only be told of a recogniser that keeps what it answered about held-out faces."""


class NotFound(FaceIdError):
    """A person, face, photo, cluster, model or job that is not (or no longer) there."""


class ErasedMeanwhile(NotFound):
    """A person or face that was learned from was erased for good before the recogniser was stored."""


class OutOfDate(FaceIdError):
    """What a page drew, and an act is about, was changed meanwhile: in another tab, by somebody else, by a job."""


class LibraryError(FaceIdError):
    """The database can't serve the request."""


class LibraryBusy(LibraryError):
    """Another program holds the write lock for longer than we wait."""


class DiskFull(LibraryError):
    """There is no room for what is to be written."""


class ReadOnlyLibrary(LibraryError):
    """The library may be read, but not written."""


class Unreachable(LibraryError):
    """The database server does not answer."""


class LeaseLost(LibraryError):
    """A worker was silent for so long that another one has its work now."""


class DriverMissing(LibraryError):
    """The database's driver is not installed."""


class SchemaOutdated(LibraryError):
    """The database is older than the program."""


class SchemaTooNew(LibraryError):
    """The database was written by a newer program."""


class EngineError(FaceIdError):
    """The face networks can't run."""


class WeightsMissing(EngineError):
    """The published weights are not installed."""


class WeightsUnsupported(EngineError):
    """A weights file that does not hold the expected network."""


class ModelUnusable(EngineError):
    """A trained recogniser whose files are missing, damaged or made for another embedder."""


class CustomModelUnusable(EngineError):
    """A custom model whose entry in models.toml or whose file is wrong."""


class VectorsNotFinite(EngineError):
    """A face network gave NaN or infinity, which can't be compared with anything."""


class WorkersUnusable(EngineError):
    """The processes of an import can't start."""


class ClusterUnusable(EngineError):
    """The Dask cluster can't be reached or used."""


class ClusterLost(ClusterUnusable):
    """The Dask cluster was there, and went away in the middle of the work."""


class ExifToolMissing(EngineError):
    """The program ExifTool is not installed, or does not run."""


class TrainerMissing(EngineError):
    """PyTorch and fastai, which only some trainings need, are not installed."""


class ReferenceMissing(EngineError):
    """The optional package face_recognition is not installed, or can't start."""


class NotAllowed(FaceIdError):
    """Whoever acts does not have the role for it. Its message says which role it takes."""


class NotSignedIn(FaceIdError):
    """Nobody is signed in, or no longer: the session has ended, or the user was removed."""

    def __init__(self) -> None:
        super().__init__("You are no longer signed in; reload the page to sign in again.")


class TooBusy(FaceIdError):
    """So much is being worked on that this must wait. retry_after_s: seconds after which to try again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("The server is busy with other pictures; try again in a moment.")
        self.retry_after_s = retry_after_s


class JobCancelled(FaceIdError):
    """Somebody asked the running job to stop."""
