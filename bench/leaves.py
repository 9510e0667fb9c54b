"""Nested settings as lines: each value under its dotted name, as the report and a comparison tell them.

Invariant: no two values have one name; an element of an array goes by its own name or, without one, by its number.
"""

from collections.abc import Iterator, Mapping, Sequence


def leaves(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """``(phase.latency.duration_s, 6.0)``: of nested built-in types, in their order; ``key``: where they stand."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, Sequence) and value and all(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value, 1):
            yield from leaves(inner, f"{key}.{inner.get('name', number)}")
    else:
        yield key, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
