"""Expected failures: one class per situation. Each message tells the user what to do.

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

The edges (CLI, pages, jobs, API) catch FaceIdError and show its message. Anything else is a bug and is logged
with its traceback. Programming errors, such as an array of the wrong shape, raise ValueError.
"""

from __future__ import annotations


class FaceIdError(Exception):
    """Base class of every failure that a user can do something about."""


class BadInput(FaceIdError):
    """The user's input can't be used."""


class PathNotFound(BadInput):
    """A file or folder that does not exist."""


class RemoteUnusable(BadInput):
    """A bucket or remote machine can't be accessed: a package, credentials or the network is missing."""


class NothingToImport(BadInput):
    """The folder contains no photos."""


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
    """A person would appear twice in one photo, which has not been confirmed."""


class Conflict(BadInput):
    """The rows that an action, undo or redo would change are not in the state it expects."""


class PasswordUnusable(BadInput):
    """A password that is too short or too long."""


class LastOwner(BadInput):
    """The last owner can't be removed: nobody could manage users any more."""


class UnknownChoice(BadInput):
    """A name that is not registered, such as an unknown clusterer."""


class InvalidSetting(BadInput):
    """A setting, from the environment or an option, has an invalid value."""


class NotWritable(BadInput):
    """A file can't be written at this location."""


class SidecarUnusable(BadInput):
    """An XMP file that can't be read or changed. The message is the reason, without the path."""


class ServerUnusable(BadInput):
    """A photo server can't be reached, refuses the request, or returns an unexpected response."""


class BackupUnusable(BadInput):
    """A file that is not a backup, is damaged, or was made by a newer version."""


class DecisionsUnusable(BadInput):
    """A file that does not contain exported decisions, or is damaged."""


class NotReady(FaceIdError):
    """An earlier step has to be done first."""


class NoLibrary(NotReady):
    """No library has been created in that folder yet."""


class NoPhotos(NotReady):
    """The library has no photos yet."""


class NoFaces(NotReady):
    """The library has no faces that this step can use."""


class NoModel(NotReady):
    """No recogniser has been trained yet."""


class NotEnoughLabels(NotReady):
    """There are too few named people, or too few faces of them, to train."""


class NotMeasured(NotReady):
    """The recogniser was stored without its predictions for held-out faces, which this evaluation needs."""


class NotFound(FaceIdError):
    """A person, face, photo, cluster, model or job that does not exist, or no longer exists."""


class ErasedMeanwhile(NotFound):
    """A person or face in the training data was erased before the recogniser was stored."""


class OutOfDate(FaceIdError):
    """The data shown on the page has since been changed by another tab, another user or a job."""


class LibraryError(FaceIdError):
    """The database can't serve the request."""


class LibraryBusy(LibraryError):
    """Another program has held the write lock for longer than we wait."""


class DiskFull(LibraryError):
    """There is not enough disk space for the write."""


class ReadOnlyLibrary(LibraryError):
    """The library can be read but not written."""


class Unreachable(LibraryError):
    """The database server does not respond."""


class LeaseLost(LibraryError):
    """The worker sent no heartbeat for so long that its job was given to another worker."""


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
    """A weights file that does not contain the expected network."""


class ModelUnusable(EngineError):
    """A trained recogniser whose files are missing, damaged or made for another embedder."""


class CustomModelUnusable(EngineError):
    """A custom model whose file, or whose entry in models.toml, is invalid."""


class VectorsNotFinite(EngineError):
    """A face network returned NaN or infinity, which can't be compared."""


class WorkersUnusable(EngineError):
    """The worker processes of an import can't start."""


class ClusterUnusable(EngineError):
    """The Dask cluster can't be reached or used."""


class ClusterLost(ClusterUnusable):
    """The connection to the Dask cluster was lost while it was working."""


class ExifToolMissing(EngineError):
    """ExifTool is not installed or can't be run."""


class TrainerMissing(EngineError):
    """PyTorch and fastai, which only some training methods need, are not installed."""


class ReferenceMissing(EngineError):
    """The optional package face_recognition is not installed, or can't start."""


class NotAllowed(FaceIdError):
    """The user's role does not allow the action. The message names the required role."""


class NotSignedIn(FaceIdError):
    """The user is not signed in: there is no session, it has ended, or the user was removed."""

    def __init__(self) -> None:
        super().__init__("You are no longer signed in; reload the page to sign in again.")


class TooBusy(FaceIdError):
    """The server has too much work to accept this request. retry_after_s: seconds to wait before a retry."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("The server is busy with other pictures; try again in a moment.")
        self.retry_after_s = retry_after_s


class JobCancelled(FaceIdError):
    """A user cancelled the running job."""
