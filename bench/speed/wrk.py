"""One run of ``wrk``, a load generator that nobody here wrote, and what it says."""

import re
import secrets
import subprocess
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from bench.errors import BadInput

CONNECTIONS = 64

_POST = """\
wrk.method = "POST"
wrk.body = string.rep("x", 100)
"""
_PUT = """\
local body = string.rep("x", 100)
local sent = 0
request = function()
    sent = sent + 1
    return wrk.format("PUT", string.format("%s/RUN-%d", wrk.path, sent), nil, body)
end
"""
"""Each with an id of its own: a repeat of one in flight would share its answer. One thread has one counter."""


class Wrk(NamedTuple):
    """What one run found."""

    per_s: float
    errors: str
    """What wrk says of answers other than 2xx and of broken connections; empty where there were none."""


def drive(
    url: str, seconds: int, connections: int = CONNECTIONS, method: Literal["POST", "PUT"] = "POST"
) -> Wrk:
    """Send 100 bytes over so many connections of one thread, each asking again once it was answered. ``url`` is that of
    all transactions, to which a PUT adds its id.

    Raises:
        BadInput: there is no wrk here, or it could not do it.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "requests.lua"
        script.write_text(_POST if method == "POST" else _PUT.replace("RUN", f"wrk-{secrets.token_hex(4)}"))
        patience_s = seconds + 30
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=patience_s, check=False)
        except FileNotFoundError:
            raise BadInput("wrk must be installed (Debian: apt-get install wrk), it is not") from None
        except subprocess.TimeoutExpired:
            raise BadInput(f"wrk must end within {patience_s} s, it did not") from None
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if not found:
        raise BadInput(f"wrk must find its rate, it said: {(done.stderr or done.stdout).strip()[:200]}")
    errors = re.findall(r"^\s+((?:Non-2xx|Socket errors).*)$", done.stdout, re.MULTILINE)
    return Wrk(float(found[1]), "; ".join(errors))
