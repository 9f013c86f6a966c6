"""What a W&B server says of a flow run, read in few requests."""

from mfwb.verification.recorded_online.cache import ProjectCache
from mfwb.verification.recorded_online.project import OnlineProject

__all__ = ["OnlineProject", "ProjectCache"]
