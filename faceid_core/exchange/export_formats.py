"""The registry of folder export formats, for other programs or for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from faceid_core.exchange import albums, boxed_photos, face_datasets
from faceid_core.exchange.export_content import Content, Entry


@dataclass(frozen=True, slots=True)
class Format:
    """title, about: for menus. write: yields the files for the content to export.

    holds: what determines the size: pictures of "faces", original "photos", or "pictures" made from them.
    whole_photos: whether people who are on a photo without a face are included.
    links: whether it contains original files, which may be linked instead of copied.
    """

    title: str
    about: str
    write: Callable[[Content], Iterator[Entry]]
    holds: str = "faces"
    named_only: bool = True
    splits: bool = False
    links: bool = False
    whole_photos: bool = False
    one_person: bool = False


FORMATS: dict[str, Format] = {
    "albums": Format(
        "Albums", "A folder of photos for each person", albums.albums, holds="photos", links=True,
        whole_photos=True,
    ),
    "gallery": Format(
        "Gallery", "A page with the photos of one person, for any browser, without a network", albums.gallery,
        holds="pictures", one_person=True, whole_photos=True,
    ),
    "imagefolder": Format(
        "ImageFolder", "Aligned faces in a folder for each person, for torchvision and others",
        face_datasets.image_folder, splits=True,
    ),
    "lfw": Format("LFW", "Aligned faces as in Labeled Faces in the Wild", face_datasets.lfw, splits=True),
    "webdataset": Format(
        "WebDataset", "Aligned faces in tar files, for training from a stream", face_datasets.web_dataset,
        splits=True,
    ),
    "huggingface": Format(
        "Hugging Face", "Aligned faces in Parquet files, for the library datasets", face_datasets.hugging_face,
        splits=True,
    ),
    "coco": Format(
        "COCO", "Photos with boxes in COCO's JSON", boxed_photos.coco, holds="pictures", named_only=False
    ),
    "fiftyone": Format(
        "FiftyOne", "Photos with boxes for FiftyOne", boxed_photos.fifty_one, holds="pictures", named_only=False
    ),
    "cvat": Format(
        "CVAT", "Photos with boxes for CVAT, to be corrected there", boxed_photos.cvat, holds="pictures",
        named_only=False,
    ),
    "labelstudio": Format(
        "Label Studio", "Photos with boxes for Label Studio, to be corrected there", boxed_photos.label_studio,
        holds="pictures", named_only=False,
    ),
}  # fmt: skip
"""Name -> format. To add one, write a function in this package and register it here."""
