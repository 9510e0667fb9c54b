"""A burst above capacity: more is offered than can be served, and then no more."""

from bench.faults.on_load import OnLoad


class Overload(OnLoad, frozen=True, forbid_unknown_fields=True, tag="overload", kw_only=True):
    """The load offers ``times`` its rate, ``for_s`` long."""

    does = "a burst: times the offered rate, for_s long"
