"""Stand-ins for functions and classes in pickles of known libraries: each checks its arguments."""
