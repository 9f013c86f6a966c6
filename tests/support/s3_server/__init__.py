"""A stand-in for S3 on loopback: `moto`, in a process of its own, with a journal and faults.

    with S3Server() as s3:
        subprocess.run([...], env={**os.environ, **s3.env})
        assert s3.keys("FanFlow/")
        s3.fault(Fault("GET", "/data/", status=500))

The process ends with its parent, however that one ends.
"""

from .server import BUCKET, ROOT, S3Server, StoredObject
from .switchboard import Fault

__all__ = ["BUCKET", "ROOT", "Fault", "S3Server", "StoredObject"]
