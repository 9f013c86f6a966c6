"""Safe reading of pickles of unknown origin: nothing that they ask for is run.

There are two ways, both in the bottom layer because source and payload need them. `read_names`
unpickles with stand-ins to list the names that a pickle refers to. `loads` really loads it, with
only the names on an allow-list.

An allow-list of names alone is not enough. A pickle can take far more time and memory than its
size: `limits` checks for that. And it can set the state of any object that it holds: of a class,
which would change the class for the whole process, or of a numpy dtype, which would make numpy
take bytes for pointers. So `loads` first runs a preflight with stand-ins (`preflight`), at the
speed of the C unpickler, and refuses the pickle unless every state goes to a newly created object.
The preflight skips large data, which is in memory only once: in the value that is loaded.

The commonest pickles of numpy need none of this: `plain_arrays` recognizes them as a whole.
"""

from mfwb.pickles.buffers import Source
from mfwb.pickles.load import Mentions, loads, read_mentions, read_names
from mfwb.pickles.plain_arrays import PlainArray, find_plain_array
from mfwb.pickles.unpickler import Allowed, ForbiddenName, Unpickler

__all__ = [
    "Allowed",
    "ForbiddenName",
    "Mentions",
    "PlainArray",
    "Source",
    "Unpickler",
    "find_plain_array",
    "loads",
    "read_mentions",
    "read_names",
]
