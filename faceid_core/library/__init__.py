"""Access to the data: the only package with queries. Pages, apps, CLI, API and jobs go through Library.

May import the root. All packages above it may import the names listed here.
"""

from faceid_core.library import passwords, person_names
from faceid_core.library.consents import ConsentChanged, Withholding
from faceid_core.library.erasure import BYTES_REMAIN, ErasedTrace, Erasure
from faceid_core.library.exports import EVERY_FACE, ExportPreview, ExportQuery
from faceid_core.library.filters import PhotoQuery
from faceid_core.library.gallery import Probes, Standing
from faceid_core.library.job_parts import PartView
from faceid_core.library.job_rows import ATTEMPTS, PartProgress
from faceid_core.library.jobs import needed
from faceid_core.library.library import Library
from faceid_core.library.photo_tags import Tagged, WithoutFace
from faceid_core.library.portable_decisions import FaceBox, FaceDecision, FaceRef, PairDecision, PersonDecision
from faceid_core.library.portable_photos import PhotoDecision
from faceid_core.library.searches import SavedSearchView
from faceid_core.library.shares import DEFAULT_DAYS, GONE, LONGEST_DAYS, ShareView
from faceid_core.library.statistics import Together, YearCounts
from faceid_core.library.store.lease import Lease
from faceid_core.library.store.records import (
    Act,
    Added,
    AuditEntry,
    Changed,
    ClusterView,
    ConsentView,
    Counts,
    DrawnFaces,
    EventView,
    FacePlace,
    FaceVectors,
    FaceView,
    JobView,
    MapPoints,
    ModelView,
    NamedFaces,
    Naming,
    PersonChanged,
    PersonView,
    PhotoView,
    Placed,
    RunView,
    TakenOver,
    TokenView,
    Undescribed,
    UserView,
)
from faceid_core.library.users import refuse_open_door
from faceid_core.library.watched import WatchedView
from faceid_core.library.workers import WorkerView
from faceid_core.library.written_names import FileBefore, NamesRunView, PhotoToName

__all__ = [
    "ATTEMPTS",
    "BYTES_REMAIN",
    "DEFAULT_DAYS",
    "EVERY_FACE",
    "GONE",
    "LONGEST_DAYS",
    "Act",
    "Added",
    "AuditEntry",
    "Changed",
    "ClusterView",
    "ConsentChanged",
    "ConsentView",
    "Counts",
    "DrawnFaces",
    "ErasedTrace",
    "Erasure",
    "EventView",
    "ExportPreview",
    "ExportQuery",
    "FaceBox",
    "FaceDecision",
    "FacePlace",
    "FaceRef",
    "FaceVectors",
    "FaceView",
    "FileBefore",
    "JobView",
    "Lease",
    "Library",
    "MapPoints",
    "ModelView",
    "NamedFaces",
    "NamesRunView",
    "Naming",
    "PairDecision",
    "PartProgress",
    "PartView",
    "PersonChanged",
    "PersonDecision",
    "PersonView",
    "PhotoDecision",
    "PhotoQuery",
    "PhotoToName",
    "PhotoView",
    "Placed",
    "Probes",
    "RunView",
    "SavedSearchView",
    "ShareView",
    "Standing",
    "Tagged",
    "TakenOver",
    "Together",
    "TokenView",
    "Undescribed",
    "UserView",
    "WatchedView",
    "Withholding",
    "WithoutFace",
    "WorkerView",
    "YearCounts",
    "needed",
    "passwords",
    "person_names",
    "refuse_open_door",
]
