"""Primary and backup, told anything in any order: never both active while they hear each other, and one fate each."""

from collections import Counter, deque

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from brokered.binary_star import STATE, StarBroker, State
from brokered.broker import BACKEND, FRONTEND
from brokered.ppp import EMPTY, HEARTBEAT, READY
from common.machine import Connected, Disconnected, Event, Received, Send
from common.settings import Settings
from common.transaction import Fate
from tests.brokered.broker_stage import reply_to, requests, told
from tests.common.stage import Stage, header

STEP_S = 0.01
"""A message takes as long."""
SETTINGS = Settings()
INTERVAL_S = SETTINGS.beats.state_interval_s
BEAT_S = SETTINGS.beats.interval_s
MEET_S = 2 * INTERVAL_S + 4 * STEP_S
"""After as long of hearing each other they agree."""
WORKER = b"worker"

sides = st.sampled_from([0, 1])


class Side:
    """One of the two, with a worker of its own name."""

    def __init__(self, first: State, now: float) -> None:
        self.stage = Stage(StarBroker(SETTINGS, first), now)
        self.inbox: deque[Event] = deque()
        """What arrives with the next step, or when it wakes up."""
        self.held: list[tuple[bytes, ...]] = []
        """Requests at its worker."""
        self.asleep_until = 0.0

    @property
    def state(self) -> State:
        return self.stage.machine.state


class Star(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = 1000.0
        self.whole = True
        self.met_at = self.now
        """Since when nothing has come between them."""
        self.cut_before = False
        self.count = 0
        self.asked: Counter[bytes] = Counter()
        self.handed: Counter[bytes] = Counter()
        self.ends: dict[bytes, Fate] = {}
        self.sides = [Side(State.PRIMARY, self.now), Side(State.BACKUP, self.now)]
        for number in (0, 1):
            self.begin(number)

    def begin(self, number):
        self.tell(number, Received(BACKEND, [WORKER, READY]))
        if self.whole:
            self.tell(1, Connected(STATE, b"tcp://primary"))

    # --- what they ask for --------------------------------------------------------------------------------

    def tell(self, number, event):
        side = self.sides[number]
        if side.asleep_until <= self.now:
            self.look(number, side.stage.tell(event))
        else:
            side.inbox.append(event)

    def look(self, number, effects):
        side, other = self.sides[number], self.sides[1 - number]
        for effect in effects:
            if isinstance(effect, Send) and effect.socket == STATE and self.whole:
                address = [b"backup"] if number else []
                other.inbox.append(Received(STATE, [*address, effect.frames[-1]]))
        for frames in requests(effects):
            side.held.append(frames)
            id = frames[-1]
            self.handed[id] += 1
            assert self.handed[id] == 1, "a broker was asked once, and handed it on twice"
        for id, fate, _ in told(effects):
            if id != b"probe":
                assert id not in self.ends, "two fates"
                self.ends[id] = fate
                assert fate is not Fate.REJECTED or not self.handed[id], "a rejection is a promise"

    def step(self):
        self.now += STEP_S
        for number, side in enumerate(self.sides):
            if side.asleep_until > self.now:
                continue
            slept_s = self.now - side.stage.now
            if slept_s > 1.5 * STEP_S:
                if side.stage.machine.deadline() <= self.now:
                    self.look(number, side.stage.oversleep(slept_s))
                side.stage.now = self.now
            else:
                self.look(number, side.stage.wait(slept_s))
            for _ in range(len(side.inbox)):
                self.look(number, side.stage.tell(side.inbox.popleft()))
            if int(self.now / BEAT_S) != int((self.now - STEP_S) / BEAT_S):
                self.look(number, side.stage.tell(Received(BACKEND, [WORKER, HEARTBEAT])))

    # --- what happens -------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.3, 1.0]))
    def time_passes(self, seconds):
        for _ in range(round(seconds / STEP_S)):
            self.step()
            self.they_agree()

    @rule(number=sides, retry=st.booleans())
    def a_client_asks(self, number, retry):
        self.count += 1
        id = b"t%d" % self.count
        self.tell(number, Received(FRONTEND, [b"front", header(id, self.now, 60, retry=retry), EMPTY, id]))

    @rule(number=sides)
    def a_client_probes(self, number):
        self.tell(number, Received(FRONTEND, [b"front", header(b"probe", self.now, probe=True), EMPTY]))

    @rule(number=sides)
    def a_worker_is_done(self, number):
        side = self.sides[number]
        if side.held:
            request = side.held.pop(0)
            self.tell(number, Received(BACKEND, list(reply_to(request, b"y"))))

    @rule(seconds=st.sampled_from([0.05, 0.25, 1.0]), asked=st.sets(sides))
    def the_link_between_them_is_cut(self, seconds, asked):
        """Clients of some of them ask meanwhile."""
        self.whole = False
        self.cut_before = True
        for side in self.sides:
            side.inbox.clear()
        self.tell(1, Disconnected(STATE, b"tcp://primary"))
        for number in asked:
            self.a_client_probes(number)
        self.time_passes(seconds)
        self.whole = True
        self.met_at = self.now
        self.tell(1, Connected(STATE, b"tcp://primary"))

    @rule(number=sides)
    def one_is_killed_and_started_again(self, number):
        self.sides[number] = Side(State.BACKUP if number else State.PRIMARY, self.now)
        self.sides[1 - number].inbox.clear()
        self.begin(number)

    @rule(number=sides, seconds=st.sampled_from([0.05, 0.15, 0.25, 1.0]), asked=st.lists(sides, max_size=2))
    def one_sleeps(self, number, seconds, asked):
        """Clients ask meanwhile."""
        side = self.sides[number]
        side.asleep_until = max(side.asleep_until, self.now + seconds)
        self.time_passes(STEP_S)
        for other in asked:
            self.a_client_asks(other, retry=True)
            self.a_client_probes(other)

    # --- what must hold -----------------------------------------------------------------------------------

    @property
    def awake(self):
        return [side.state for side in self.sides if side.asleep_until <= self.now]

    @invariant()
    def they_agree(self):
        hear = self.whole and len(self.awake) == 2 and self.now - self.met_at > MEET_S
        slept = max(side.asleep_until for side in self.sides)
        if self.whole and not self.cut_before:
            assert self.awake.count(State.ACTIVE) <= 1, "they were never parted"
        if hear and self.now - slept > MEET_S:
            assert self.awake.count(State.ACTIVE) <= 1
            assert self.awake.count(State.PASSIVE) <= 1

    def teardown(self):
        """In the end, when they hear each other and clients ask, one is active and the other passive."""
        self.time_passes(2.0)
        for _ in range(8):
            for number in (0, 1):
                self.a_client_probes(number)
            self.time_passes(0.1)
        assert sorted(side.state.name for side in self.sides) == ["ACTIVE", "PASSIVE"]


Star.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
TestStar = Star.TestCase
