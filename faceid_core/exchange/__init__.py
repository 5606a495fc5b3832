"""Names and exports in other programs' forms: pure readers and writers.

May import the root and media.
"""

__all__ = [
    "albums",
    "audit_table",
    "decisions_file",
    "embedding_table",
    "evaluation_page",
    "exiftool",
    "export_content",
    "export_formats",
    "face_regions",
    "face_table",
    "name_packet",
    "name_sources",
    "photo_servers",
    "recognition_table",
    "region_xml",
    "saving",
    "sidecar_place",
    "xml_spans",
]
