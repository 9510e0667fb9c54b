"""How a fault is spoken of, in the titles of charts and in the sentences of the report."""

_DONE = {
    "kill": "killed",
    "terminate": "told to drain and exit",
    "rolling-restart": "restarted, and then each of the others",
    "crash-loop": "killed and crashes at each start",
    "absent": "absent from the start",
    "pause": "paused",
    "wedge": "wedged: it beats and answers nothing",
    "slow": "slowed down",
    "partition": "cut off",
    "isolate": "cut off from one other part",
    "reset": "hit by resets of its connections",
    "delay": "reached late",
}
"""What has been done to a part, by the kind of fault."""

_ASKED = {
    "overload": "more is asked for than can be served",
    "storm": "clients who meet an overload try again",
}
"""What the load does."""


def done_to(label: str) -> str:
    """``a worker is killed`` for ``kill-worker``; kinds without a word of their own are named."""
    kind, _, role = label.rpartition("-")
    if role == "load":
        return _ASKED.get(kind, f"the load is a {kind}")
    return f"a {role} is {_DONE.get(kind, f'hit by {kind}')}"


def file_name(chart: str, key: str) -> str:
    """``recovery-kill-worker``: of a chart that there is for each fault, load or the like."""
    plain = key.replace(" ", "-").replace("/", "-per-")
    return f"{chart}-{plain}".translate({ord(sign): None for sign in "(),"})
