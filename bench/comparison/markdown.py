"""A comparison as Markdown, for a comment on a change."""

from collections.abc import Iterable, Iterator, Sequence

from bench.comparison.cells import HEAD, cells
from bench.comparison.comparison import Comparison
from bench.comparison.notes import notes


def markdown(comparison: Comparison) -> str:
    """The whole, ends with a line break."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield "### What differs in conditions\n"
    if comparison.conditions:
        yield from _table(("key", "in A", "in B"), comparison.conditions)
    else:
        yield "Nothing differs."
    yield "\n### What differs in numbers\n"
    yield from _table(HEAD, map(cells, comparison.rows))
    yield ""
    yield from (f"- {_escaped(line)}" for line in notes(comparison))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield f"| {' | '.join(map(_escaped, row))} |"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
