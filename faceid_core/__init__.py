"""faceid: find, group and name the faces in your own photos. The library behind the web app and the CLI."""

__version__ = "0.1.0"
