"""What a verification does by itself."""

import warnings

with warnings.catch_warnings():  # what Metaflow imports warns
    warnings.simplefilter("ignore")
    import mfwb.source.datastore.flow_store
    import mfwb.verification.expected.log_lines  # noqa: F401 - imported before the tests do
