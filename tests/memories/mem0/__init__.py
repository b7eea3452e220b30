"""mem0's own client, from PyPI, against this server. It reports home unless it is told not to before it is imported."""

import os
import tempfile

os.environ["MEM0_TELEMETRY"] = "False"
os.environ["MEM0_DIR"] = tempfile.mkdtemp(prefix="mem0-")
