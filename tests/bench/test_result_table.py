"""The last word on the terminal."""

from rich.console import Console

from bench.result_table import cells_table, result_table


def estimate(median):
    return {"median": median, "low": median, "high": median, "n": 1}


def shown(topologies):
    console = Console(width=160, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        console.print(result_table({"topologies": topologies}))
    return capture.get()


def test_a_row_shows_each_figure_and_a_dash_for_what_does_not_exist():
    text = shown(
        {
            "freelance": {
                "capacity_per_s": estimate(747.4),
                "latency_ms": {"0.5": {"p50": estimate(11.2), "p99": None}},
                "recovery": {
                    "kill-worker": {
                        "detected_ms": estimate(3.6),
                        "recovered_ms": None,
                        "harmed": estimate(0.0),
                    }
                },
                "fates": {"completed": 10, "unknown": 0},
            }
        }
    )
    assert "747" in text
    assert "0.5: 11.2 / –" in text
    assert "kill-worker: 4 / –, 0" in text
    assert "completed 10" in text
    assert "unknown" not in text


def test_only_the_level_that_was_played_has_a_row():
    level = {"capacity_per_s": estimate(9000.0), "latency_ms": {}, "recovery": {}, "fates": {"completed": 1}}
    text = shown({"direct": {"capacity_per_s": None, "client": level}})
    assert text.count("direct") == 1
    assert "9000" in text


def cell(**loads):
    tails = {load: {"p99": p99} for load, p99 in loads.items()}
    return {"capacity_per_s": estimate(747.4), "latency_ms": tails}


def test_a_sweep_shows_each_cells_capacity_and_its_tail_at_the_busiest_sane_load():
    here = {"freelance": cell(**{"0.5": estimate(20.0), "0.8": estimate(40.04), "1.1": estimate(900.0)})}
    table = cells_table(
        {"topologies": {"freelance": {}, "direct": {}}, "cells": {"f4": {"topologies": here}}}
    )
    console = Console(width=100, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        console.print(table)
    text = capture.get()
    assert "Capacity /s, and p99 ms at 0.8" in " ".join(text.split())
    assert "747; 40.0" in text
    assert "–" in text  # direct has skipped the cell
    assert cells_table({"topologies": {}, "cells": {}}) is None
