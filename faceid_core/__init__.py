"""faceid: find, group and name the faces in your own photos. The library behind the web app and the CLI."""

from faceid_core import privacy

__version__ = "0.1.0"

# Here, because server, workers, command line, tests and notebooks all pass here before any heavy library.
privacy.silence()
