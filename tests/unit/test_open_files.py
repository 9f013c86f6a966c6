"""How many W&B runs may be written at a time."""

import resource

from mfwb.open_files import FILES_PER_RUN, OTHER_FILES, max_open_runs


def test_it_follows_from_the_limit_of_this_process() -> None:
    """With 1,024 files, as Linux gives, 154."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        assert max_open_runs() == (1024 - OTHER_FILES) // FILES_PER_RUN == 154
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
