"""The defects of the guide's own Paranoid Pirate, one by one, absent here.

Numbered as in the list of them that this project started from; the eleventh,
the Freelance client's, is in tests/brokerless.
"""

from brokered.broker import FRONTEND
from brokered.ppp import EMPTY, READY
from common import wire
from common.machine import Disconnected, Received
from common.settings import Limits, Settings
from common.transaction import Fate
from tests.brokered.broker_stage import BrokerStage, beats, ids, replies, requests, told
from tests.brokered.test_worker import WorkerStage
from tests.common.stage import executes, header, kinds, noted, sends

W1, W2 = b"worker-1.00", b"worker-2.00"


def test_1_a_sign_of_life_of_a_busy_worker_gets_it_no_second_request():
    broker = BrokerStage()
    broker.ready(W1)
    broker.request(b"a")
    broker.request(b"b")
    assert requests(broker.keep_alive(3, W1)) == []


def test_2_a_quiet_broker_beats_all_the_same():
    broker = BrokerStage()
    broker.ready(W1)
    assert beats(broker.wait(1.05)) == [W1] * 10, "while nothing at all arrives"


def test_3_a_dispatched_request_is_tracked_failed_over_and_its_worker_is_sent_heartbeats():
    broker = BrokerStage()
    broker.ready(W1, credit=2)
    broker.request(b"put")
    broker.request(b"post", retry=False)
    assert W1 in beats(broker.keep_alive(0.2, W1))
    broker.ready(W2)
    effects = broker.dies(W1)
    assert ids(requests(effects)) == [b"put"]
    assert told(effects) == [(b"post", Fate.UNKNOWN, (b"worker lost",))]


def test_4_a_dead_worker_is_not_eligible():
    broker = BrokerStage()
    broker.ready(W1)
    broker.ready(W2)
    broker.dies(W1)
    assert [request[0] for request in requests(broker.request(b"a"))] == [W2]


def test_5_requests_of_departed_or_impatient_clients_do_not_run():
    broker = BrokerStage()
    broker.request(b"impatient", ttl_s=1)
    broker.request(b"departed", client=b"gone")
    broker.tell(Disconnected(FRONTEND, b"gone"))
    broker.wait(1)
    assert requests(broker.ready(W1, credit=2)) == []


def test_5_nor_does_what_a_worker_could_begin_only_after_its_deadline():
    worker = WorkerStage(credit=2)
    worker.connects()
    worker.request(b"a")
    worker.request(b"impatient", ttl_s=0.05)
    worker.wait(0.06)
    assert executes(worker.finishes()) == []


def test_6_a_transaction_has_an_id_so_that_a_second_answer_can_be_told():
    broker = BrokerStage()
    broker.ready(W1)
    (request,) = requests(broker.request(b"a"))
    assert wire.parse_header(request[2], broker.now).id == b"a"
    assert len(replies(broker.reply(request, b"y"))) == 1
    effects = broker.reply(request, b"y")
    assert replies(effects) == []
    assert kinds(effects) == ["stale"]


def test_7_a_body_that_looks_like_a_command_is_a_body():
    broker = BrokerStage()
    broker.ready(W1)
    for command in (READY, b"\x02"):
        (request,) = requests(broker.request(b"a", command))
        (reply,) = replies(broker.reply(request, command, fate=None))
        assert reply[-1] == command
        assert requests(broker.request(b"b")), "and gives no credit beyond its own"
        broker = BrokerStage()
        broker.ready(W1)


def test_7_a_client_cannot_say_ready():
    broker = BrokerStage()
    assert kinds(broker.tell(Received(FRONTEND, [b"client", READY]))) == ["malformed"]
    assert broker.machine.gauges()["workers"] == 0


def test_7_a_header_of_another_version_is_refused():
    broker = BrokerStage()
    other = header(b"a", broker.now)[:4] + b"\x02" + header(b"a", broker.now)[5:]
    assert kinds(broker.frontend(b"client", other, EMPTY, b"x")) == ["malformed"]


def test_8_time_is_elapsed_time_however_often_anybody_looks():
    broker = BrokerStage()
    broker.ready(W1)
    for _ in range(500):
        broker.wait(0.005)
        broker.tell(Received(FRONTEND, [b"client", b"garbage"]))
    assert noted(broker.wait(0.4), "peer-lost") == [], "2.9 s of silence, of three"
    assert noted(broker.wait(0.25), "peer-lost") != []


def test_9_the_frontend_is_read_while_no_worker_is_ready_and_what_waits_is_bounded_and_expires():
    broker = BrokerStage(Settings(limits=Limits(queue=2)))
    effects = [effect for id in (b"a", b"b", b"c") for effect in broker.request(id, ttl_s=1)]
    assert told(effects) == [(b"c", Fate.REJECTED, (b"queue full",))]
    assert broker.machine.gauges()["queued"] == 2
    assert [fate for _, fate, _ in told(broker.wait(1))] == [Fate.REJECTED] * 2
    assert requests(broker.ready(W1, credit=3)) == []


def test_10_a_worker_that_lost_its_queue_is_deaf_to_nothing():
    """The guide's sleeps through its back-off. Ours goes on executing, and serves its other broker."""
    worker = WorkerStage(credit=2, brokers=("broker-1", "broker-2"))
    for broker in ("broker-1", "broker-2"):
        worker.connects(broker)
    worker.request(b"a", broker="broker-1")
    worker.disconnects("broker-1")
    worker.request(b"b", broker="broker-2")
    effects = worker.finishes()
    assert [execute.transaction.id for execute in executes(effects)] == [b"b"]
    assert len(sends(worker.finishes(), "broker-2")) == 1
    assert sends(worker.connects("broker-1"), "broker-1") == [(READY,)] * 2, "the moment that it can"
