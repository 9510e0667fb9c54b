"""The last word on the terminal."""

from rich.console import Console

from bench.result_table import result_table


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
