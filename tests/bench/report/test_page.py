"""The page of a run: one file, readable by people and machines, that says what the numbers say."""

import json
import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from bench import run_record
from bench.analysis.findings import Findings, analyse
from bench.analysis.summing import summarize
from bench.charts.dark import contrast
from bench.charts.registry import CHARTS
from bench.checks.check import Checked, told
from bench.checks.registry import CHECKS
from bench.report.checks import each_check
from bench.report.numbers import NONE
from bench.report.page import write_report
from bench.run_record import Doubt
from bench.scenario import Validity
from tests.bench.charts.test_charts import pictures
from tests.bench.recording import copy_of_small_run, rewrite, small_run

VOID = {"meta", "link", "br", "path", "use"}


class Reader(HTMLParser):
    """Collects ids, addresses and text, and checks that what is opened is closed."""

    def __init__(self, html):
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.ids += [known["id"]] if "id" in known else []
        self.addresses += [known[name] for name in ("href", "src", "xlink:href") if name in known]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def folder(reported):
    return reported


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Reader(html)


def test_it_leaves_summary_charts_and_page(folder):
    assert json.loads((folder / "summary.json").read_text()) == summarize(small_run())
    charts = sorted(path.name for path in (folder / "charts").iterdir())
    assert "throughput.svg" in charts
    assert "recovery-kill-broker.png" in charts
    assert len(charts) == 2 * len(pictures(analyse(small_run())))


def test_it_is_one_file_that_needs_no_network(html, page):
    assert len(html) < 5_000_000
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert "<script" not in html
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_it_is_well_formed_and_no_id_is_there_twice(page):
    assert len(page.ids) == len(set(page.ids))
    inner = [address.removeprefix("#") for address in page.addresses if address.startswith("#")]
    assert set(inner) <= set(page.ids)


def test_it_names_its_language_and_fits_a_phone(html):
    assert '<html lang="en">' in html
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in html


def test_every_chart_has_its_question_for_those_who_cannot_see_it(html):
    assert html.count('<svg role="img" aria-label="') == 2 * len(pictures(analyse(small_run())))


def test_it_opens_with_the_answer(page):
    figures = page.text.split("no winner is named")[0]
    for word in (
        "Capacity",
        "99 of 100",
        "When a worker is killed",
        "When a broker is killed",
        "transactions",
    ):
        assert word in figures
    assert "noticed after 3 ms (3–3)" in figures


def test_it_ends_with_where_it_comes_from(page):
    for word in ("a processor that never was", "0123456789ab", "sndhwm", "brokerbench run quick", "6.6.1"):
        assert word in page.text


def test_it_shows_the_ledger(page):
    assert "lost (must be 0)" in page.text


def test_it_lists_every_check_also_where_all_passed(page):
    assert "checks had something to judge in this run, none failed" in page.text
    limits = Validity()
    for name, check in CHECKS.items():
        assert f"{name}: {check.title}" in page.text
        if check.setting and check.setting != "lag_p99_ms_max":  # which the scenario sets
            assert f"{told(getattr(limits, check.setting), check.unit)} ({check.setting})" in page.text
    assert "10 ms (lag_p99_ms_max) 0.112 ms" in page.text


def test_a_check_that_could_not_judge_says_so():
    unknown = Checked(0, unknown=3, why="the kernel keeps no account of it")
    checked = {**dict.fromkeys(CHECKS, Checked(1, worst=0.0)), "part-starved": unknown}
    table = each_check(Findings(run_record.read(small_run()), [], [], [], checked))
    (row,) = [row for row in table.rows if row[0].startswith("part-starved")]
    assert row[2:] == (
        NONE,
        NONE,
        f"0 {CHECKS['part-starved'].judges}; 3 not known: the kernel keeps no account of it",
        "not judged",
    )


def test_it_shows_theory_beside_the_measurement(page):
    assert re.search(r"direct, 0\.8 as-assigned [\d.]+ ms [\d.]+ ms [+-]0\.\d%", page.text)


def test_what_is_invalid_is_said_first(tmp_path, monkeypatch):
    # They take seconds, and are not looked at here.
    monkeypatch.setattr("bench.report.page.CHARTS", {name: lambda findings: [] for name in CHARTS})
    folder = copy_of_small_run(tmp_path / "run")
    rewrite(folder, "executions", "WHERE NOT (id = 'latency.1.0-77' AND topology = 'direct')")
    write_report(folder)
    text = Reader((folder / "report.html").read_text()).text
    assert text.index("Not valid: 1 of the trials broke a check") < text.index("Capacity")
    assert "direct, trial 1, phase latency: 1 lost" in text


def test_an_incomplete_run_without_a_valid_trial_is_drawn_all_the_same(tmp_path):
    folder = copy_of_small_run(tmp_path / "run")
    record = run_record.read(folder)
    record.complete, record.interrupted = False, "Ctrl-C <script>"
    doubt = Doubt("part", "front-1 ended by itself")
    record.episodes = [replace(episode, doubts=(doubt,)) for episode in record.episodes[:2]]
    record.write(folder)
    summary = write_report(folder)
    html = (folder / "report.html").read_text()
    text = Reader(html).text
    assert "Incomplete: the run ended early (Ctrl-C <script>)." in text
    assert "<script>" not in html
    assert "there is no answer" in text
    assert summary["valid"] is False


def test_charts_of_an_earlier_report_are_gone(folder):
    assert not (folder / "charts" / "old.svg").exists()


@pytest.mark.parametrize("theme", [0, 1])
def test_text_can_be_read_in_light_and_dark(html, theme):
    palette = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", re.findall(r":root \{([^}]*)\}", html)[theme]))
    assert contrast(palette["ink"], palette["paper"]) >= 7
    for color, paper in (("quiet", "paper"), ("bad", "bad-card"), ("ink", "bad-card"), ("good", "paper")):
        assert contrast(palette[color], palette[paper]) >= 4.5
