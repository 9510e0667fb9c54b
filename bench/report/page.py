"""``report.html``: one file, no network, that opens with the answer and ends with what it rests on.

Invariant: the page, the charts and ``summary.json`` come from the same findings; nothing in it is written by hand but
the words around the numbers.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import tornado.escape
import tornado.template

from bench.analysis.findings import Findings, analyse
from bench.analysis.summary import Summary, write_summary
from bench.analysis.summing import summary_of
from bench.charts.dark import darkened
from bench.charts.picture import Drawn, Picture, draw
from bench.charts.registry import CHARTS
from bench.paired import PAIRS_MIN
from bench.report.answer import Answer, answers
from bench.report.checks import checks, considered
from bench.report.opening import opening
from bench.report.provenance import command, made_at, provenance
from bench.report.table import Table
from bench.report.tables import interval_note, tables
from bench.run_record import RunRecord
from bench.scenario import Scenario

FILE = "report.html"
CHARTS_FOLDER = "charts"

SECTIONS = {
    "crossover": "When a broker is needed",
    "sweep": "Under many conditions",
    "throughput": "Throughput",
    "latency": "Latency",
    "tail": "The tail",
    "theory": "Queueing theory",
    "predictions": "Predictions beside measurement",
    "omission": "Coordinated omission",
    "recovery": "Recovery",
    "stages": "Recovery taken apart",
    "depth": "Where transactions wait",
    "fates": "Fates",
    "cpu": "Cost",
    "per-core": "Goodput per core",
    "cost": "Cost, continued",
    "membership": "One worker more",
    "ledger": "The ledger",
}
"""In the order of the page: charts and tables of the same name."""

OPEN = ("ledger", "membership", "predictions")
"""Whose tables are shown at once."""

TEXTS = {
    "theory": "The recorded arrivals and slot occupancies of each step, replayed through an ideal queue: what the"
    " measured waits differ by is neither luck of the draw nor service time.",
}


class Figure(NamedTuple):
    """A chart in the page."""

    question: str
    caption: str
    svg: str
    narrow: str
    files: str
    """For slides, in the run's folder."""


class Section(NamedTuple):
    """One question, with the charts and tables that answer it."""

    title: str
    figures: list[Figure]
    tables: list[Table]
    open: bool
    """Whether its tables are shown at once: where no chart says the same."""
    text: str


class Warning(NamedTuple):
    """Something that must be read before any number."""

    head: str
    text: str


class Page(NamedTuple):
    """All that the template fills in."""

    title: str
    question: str
    run: str
    conditions: str
    under: str
    """The conditions in short, for under each chart."""
    warnings: list[Warning]
    palette: dict[str, tuple[str, str]]
    """Of the charts."""
    opening: list[str]
    """The answer in at most three sentences."""
    answer: list[Answer]
    intervals: str
    pairs_min: int
    sections: list[Section]
    valid: bool
    validity: str
    reasons: list[str]
    skipped: list[str]
    """What a topology could not play, and why."""
    checks: list[Table]
    command: str
    provenance: list[Table]


def write_report(folder: Path) -> dict[str, Any]:
    """Write ``summary.json``, ``charts/`` and ``report.html`` of a run folder; returns the summary.

    Raises:
        OSError: there is no ``run.json``, or a file cannot be read or written.
        ValueError: ``run.json`` is not the record of a run.
    """
    findings = analyse(folder)
    summary = summary_of(findings)
    built = write_summary(summary, folder)
    charts = folder / CHARTS_FOLDER
    charts.mkdir(exist_ok=True)
    for old in (*charts.glob("*.svg"), *charts.glob("*.png")):
        old.unlink()
    figures = {
        name: [_figure(picture, draw(picture), charts) for picture in make(findings)]
        for name, make in CHARTS.items()
    }
    (folder / FILE).write_text(render(page(findings, summary, figures)), encoding="utf-8")
    return built


def render(page: Page) -> str:
    """The page as HTML."""
    loader = tornado.template.Loader(str(Path(__file__).parent))
    return loader.load("page.html").generate(page=page).decode()


def page(findings: Findings, summary: Summary, figures: dict[str, list[Figure]]) -> Page:
    """Fill in everything."""
    record = findings.record
    scenario = record.scenario
    trials = max((topology.trials for topology in findings.topologies), default=0)
    return Page(
        title=scenario.title or scenario.name,
        question=scenario.question,
        run=made_at(record),
        conditions=_conditions(record, trials),
        under=_under(record, trials),
        warnings=_warnings(record, findings),
        palette=_palette(figures),
        opening=opening(summary, scenario),
        answer=answers(summary, scenario),
        intervals=interval_note(trials),
        pairs_min=PAIRS_MIN,
        sections=_sections(figures, tables(summary)),
        valid=findings.valid,
        validity=considered(findings),
        reasons=summary.why_invalid,
        skipped=[f"{each.phase} on {each.topology}: {each.why}" for each in record.skipped],
        checks=checks(findings),
        command=command(record),
        provenance=provenance(record),
    )


def _conditions(record: RunRecord, trials: int) -> str:
    scenario, machine = record.scenario, record.conditions.machine
    return (
        f"Scenario {scenario.name}: {_setup(scenario)}, {scenario.method}, level {scenario.level}; {_counted(trials)}"
        f" of each topology. {made_at(record)}, {machine.cores} cores, commit {record.conditions.commit or 'unknown'}."
    )


def _under(record: RunRecord, trials: int) -> str:
    """The conditions in short, for under each chart."""
    return f"{_setup(record.scenario)}; {_counted(trials)} of each topology"


def _setup(scenario: Scenario) -> str:
    deployment, service = scenario.deployment, scenario.service
    if scenario.sweep:
        axes = ", ".join(scenario.sweep.axes)
        return f"{len(scenario.cells)} cells over {axes}, service {service.name}"
    others = ", ".join(f"{name}: {fronts}" for name, fronts in scenario.fronts_of.items())
    fronts = (
        f"{deployment.fronts} front{'s' if deployment.fronts > 1 else ''}{f' ({others})' if others else ''}"
    )
    mean = f", {service.distribution}, mean {service.mean_ms:g} ms" if service.name == "sleep" else ""
    credit = scenario.settings.credit
    return f"{deployment.workers} workers behind {fronts}, service {service.name}{mean}, credit {credit}"


def _counted(trials: int) -> str:
    return f"{trials} valid trial{'s'[: trials != 1]}"


def _warnings(record: RunRecord, findings: Findings) -> list[Warning]:
    found = []
    if not record.complete:
        found.append(
            Warning("Incomplete:", f"the run ended early ({record.interrupted or 'cause unknown'}).")
        )
    if findings.reasons:
        count = len({(reason.episode.topology, reason.episode.trial) for reason in findings.reasons})
        found.append(
            Warning(
                "Not valid:",
                f"{count} of the trials broke a check and are left out of every figure; see below.",
            )
        )
    return found


def _sections(figures: dict[str, list[Figure]], tables: dict[str, list[Table]]) -> list[Section]:
    sections = [
        Section(
            title,
            figures.get(name, []),
            tables.get(name, []),
            name in OPEN,
            TEXTS.get(name, ""),
        )
        for name, title in SECTIONS.items()
    ]
    return [section for section in sections if section.figures or section.tables]


def _figure(picture: Picture, drawn: Drawn, charts: Path) -> Figure:
    """For the page, and as files for slides."""
    (charts / f"{picture.name}.svg").write_text(drawn.svg, encoding="utf-8")
    (charts / f"{picture.name}.png").write_bytes(drawn.png)
    return Figure(
        picture.question,
        picture.caption,
        _inline(drawn.svg, picture, picture.name),
        _inline(drawn.narrow, picture, f"narrow-{picture.name}"),
        f"{CHARTS_FOLDER}/{picture.name}.svg, .png",
    )


def _inline(text: str, picture: Picture, prefix: str) -> str:
    """An SVG file as an element: without its prologue and fixed size, with ids that no other chart has and colours
    that the page's scheme can change.
    """
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r"(fill|stroke): ?#([0-9a-f]{6})\b", r"\1: var(--c-\2)", text)
    return text.replace(
        "<svg", f'<svg role="img" aria-label="{tornado.escape.xhtml_escape(picture.question)}"', 1
    )


def _palette(figures: dict[str, list[Figure]]) -> dict[str, tuple[str, str]]:
    """{name of a colour: (in light, in dark)}: of all that the charts use."""
    drawn = "".join(figure.svg + figure.narrow for some in figures.values() for figure in some)
    used = sorted(set(re.findall(r"var\(--c-([0-9a-f]{6})\)", drawn)))
    return {name: (f"#{name}", darkened(f"#{name}")) for name in used}
