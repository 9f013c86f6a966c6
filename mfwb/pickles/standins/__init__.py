"""Stand-ins for what the pickles of known libraries call: each looks first."""
