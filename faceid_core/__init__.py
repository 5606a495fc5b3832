"""faceid: find, group and name the faces in your own photos. The library behind the web app and the CLI."""

from faceid_core import privacy

__version__ = "0.1.0"

# Called here because everything (server, workers, CLI, tests, notebooks) imports this before any heavy library.
privacy.silence()
