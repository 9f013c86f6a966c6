"""Scripts of the Makefile: what has to do with releases, and with versions of other packages."""
