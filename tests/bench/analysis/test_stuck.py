"""Who is stuck on a worker that nobody has started, on recordings whose answer is known by construction."""

from msgspec.structs import replace

from bench.analysis.recording import key_of
from bench.analysis.stuck import missing
from bench.faults.absent import Absent
from bench.faults.kill import Kill
from bench.run_record import Injected
from bench.scenario import Open
from common.topology import Part, Plan
from tests.bench.analysis.steps import ns, step, transactions
from tests.bench.facts import Facts

PARTS = tuple(Part("worker", f"worker-{n}", ()) for n in range(1, 9)) + tuple(
    Part("front", f"front-{n}", ()) for n in (1, 2)
)
DIRECT = Plan("direct", PARTS, "in-turn")
FREELANCE = Plan("freelance", PARTS, "when-free")
UP_MS = 3200


def absent(number):
    return Absent(role="worker", which=number, at_s=0, for_s=3)


class Recording:
    """One trial: workers 3 and, with ``endpoints`` 2, 6 are absent, and started after 3.2 s, the second a little later."""

    def __init__(self, endpoints=1, extra=()):
        self.absent = [f"worker-{number}" for number in (3, 6)[:endpoints]]
        faults = (*map(absent, (3, 6)[:endpoints]), *extra)
        phase = Open(name="absent", duration_s=5, warmup_s=1, rates_per_s=(200,), faults=faults)
        whole = step(transactions([0], [10]), phase=phase, topology="direct")
        injected = tuple(
            Injected("absent-worker", whole.played.name, part, ns(0), ns(0), "", ns(3000))
            for part in self.absent
        )
        self.step = whole._replace(episode=replace(whole.episode, faults=injected))
        self.facts = Facts(key_of(self.step.episode), whole.played.name)
        for number in {*range(1, 9)} - {3, 6}:
            self.facts.mark(ns(-2000), f"worker-{number}", "started")
        for index in range(40):
            self.add(f"good-{index}", "front-1", 100 * index, 100 * index + 10)
        self.add("under-way-as-others", "front-2", UP_MS - 30, UP_MS + 20)

    def up(self):
        for delay, part in enumerate(self.absent):
            self.facts.mark(ns(UP_MS + 50 * delay), part, "started")

    def add(self, id, front, due_ms, done_ms, fate="completed", part="worker-1"):
        self.facts.transaction(id, fate, front=front, scheduled_ns=ns(due_ms), done_ns=ns(done_ms))
        if part:
            self.facts.execution(id, part=part)

    def stick(self, front, part, due_ms=-500, done_ms=UP_MS + 60):
        self.add(f"stuck-{front}-{part}", front, due_ms, done_ms, part=part)

    def told(self, plan=DIRECT):
        return missing(self.facts.database(), [self.step], plan)


def test_one_at_each_front_for_each_absent_endpoint():
    recording = Recording(endpoints=2)
    recording.up()
    for front in ("front-1", "front-2"):
        for part in recording.absent:
            recording.stick(front, part)
    (found,) = recording.told()
    assert (found.endpoints, found.fronts, found.predicted) == (2, ("front-1", "front-2"), 2)
    (trial,) = found.trials
    assert trial.by_front == {"front-1": 2, "front-2": 2}
    assert (trial.completed, trial.executed_there) == (4, 4)
    assert found.trials_as_predicted == 1


def test_a_front_at_which_one_is_missing_is_not_as_predicted():
    recording = Recording()
    recording.up()
    recording.stick("front-1", "worker-3")
    (found,) = recording.told()
    assert found.trials[0].by_front == {"front-1": 1, "front-2": 0}
    assert found.trials_as_predicted == 0


def test_where_whoever_is_free_is_given_work_nobody_is_stuck():
    recording = Recording()
    recording.up()
    (found,) = recording.told(FREELANCE)
    assert found.trials[0].by_front == {"front-1": 0, "front-2": 0}
    assert (found.predicted, found.trials_as_predicted) == (0, 1)


def test_one_stuck_where_none_should_be_is_told():
    recording = Recording()
    recording.up()
    recording.stick("front-2", "worker-3")
    (found,) = recording.told(FREELANCE)
    assert found.trials_as_predicted == 0


def test_who_was_given_up_at_the_deadline_was_stuck_too():
    recording = Recording()
    recording.up()
    recording.add("gone", "front-1", -500, 500, "unknown", part=None)
    (found,) = recording.told()
    assert found.trials[0].by_front["front-1"] == 1
    assert (found.trials[0].completed, found.trials[0].executed_there) == (0, 0)


def test_under_way_for_less_than_a_second_is_not_stuck():
    recording = Recording()
    recording.up()
    recording.stick("front-1", "worker-3", due_ms=UP_MS - 999)
    (found,) = recording.told()
    assert found.trials[0].by_front["front-1"] == 0


def test_a_trial_in_which_the_worker_never_came_says_nothing():
    recording = Recording()
    recording.stick("front-1", "worker-3")
    (found,) = recording.told()
    assert (found.trials, found.trials_as_predicted) == ([], 0)


def test_without_a_policy_it_is_measured_and_not_predicted():
    recording = Recording()
    recording.up()
    recording.stick("front-1", "worker-3")
    (found,) = recording.told(Plan("other", PARTS))
    assert (found.predicted, found.trials_as_predicted) == (None, None)
    assert found.trials[0].by_front["front-1"] == 1


def test_with_another_fault_as_well_nothing_is_told():
    assert Recording(extra=(Kill(role="worker", at_s=1),)).told() == []
