"""Reading pickles that somebody else wrote, without running anything of theirs.

Two ways, both bottom-layer because source and payload need them: `names_in` acts a pickle out with
stand-ins to tell what it refers to; `loads` really loads it, with the names it was allowed to have.

An allow-list of names alone is not enough. A pickle can take far more time and memory than its
size: `weighing` looks for that. And it can set the state of whatever it holds: of a class, which
would change it for the whole process, or of a numpy dtype, which would make numpy take bytes for
pointers. So `loads` first rehearses the pickle with stand-ins (`rehearsal`), at the speed of the C
unpickler, and refuses it unless every state goes to something newly made. Large data has no part in
the rehearsal, and is in memory once: as the value that is loaded.
"""

from mfwb.pickles.buffers import Source
from mfwb.pickles.load import Mentions, loads, mentions_in, names_in
from mfwb.pickles.unpickler import Allowed, ForbiddenName, Unpickler

__all__ = [
    "Allowed",
    "ForbiddenName",
    "Mentions",
    "Source",
    "Unpickler",
    "loads",
    "mentions_in",
    "names_in",
]
