"""Closed forms for two ways to share out Poisson arrivals among workers with exponential service.

    central queue                       M/M/c     one queue, any free worker takes its head
    one dispatcher, blind round robin   E_c/M/1   each worker gets every c-th arrival: Erlang-c gaps

A random choice gives each worker a Poisson stream of its own: M/M/1, which is M/M/c with one worker.

In both ``load`` is the fraction of the workers' capacity that is offered, ``arrival rate x service_s /
workers``, in [0, 1). ``service_s`` is the mean time a transaction occupies a worker. Results are in the unit
of ``service_s`` (seconds throughout the bench; 1.0 gives multiples of the service time). A *wait* ends when
service starts; a *response* also holds the service itself. First come first served everywhere.

Sources: Kleinrock, Queueing Systems I (1975), sections 3.5 (M/M/c) and 6.4 (G/M/1); Allen,
Probability, Statistics and Queueing Theory (2nd ed. 1990), chapter 5 (Allen-Cunneen).
"""

import math


def erlang_c(workers: int, load: float) -> float:
    """The probability that an arrival at M/M/c has to wait (Erlang's second formula).

    By the recursion for Erlang B, B(n) = aB(n-1) / (n + aB(n-1)) with a = workers x load, which neither
    overflows nor cancels; then C = B / (1 - load (1 - B)).
    """
    _check(workers, load)
    offered = workers * load
    blocked = 1.0
    for n in range(1, workers + 1):
        blocked = offered * blocked / (n + offered * blocked)
    return blocked / (1 - load * (1 - blocked))


def mmc_mean_wait(workers: int, load: float, service_s: float) -> float:
    """Mean wait in a central queue, M/M/c: C / (c mu - lambda)."""
    _check(workers, load, service_s)
    return erlang_c(workers, load) * service_s / (workers * (1 - load))


def mmc_response_survival(time_s: float, workers: int, load: float, service_s: float) -> float:
    """P(response > time_s) in a central queue, M/M/c; ``time_s`` and ``service_s`` in the same unit.

    The wait is 0 with probability 1 - C, else exponential with rate theta = c mu - lambda; it is independent
    of the exponential service (rate mu) that follows. Their convolution is, in units of the service time,
    exp(-t) + C (exp(-t) - exp(-theta t)) / (theta - 1), written here so that theta = 1 is no special case and
    nothing overflows.
    """
    _check(workers, load, service_s)
    if not time_s >= 0:
        raise ValueError(f"time_s must be at least 0, got {time_s}")
    t = time_s / service_s
    theta = workers * (1 - load)
    slower, apart = min(theta, 1.0), abs(theta - 1.0)
    difference = -math.expm1(-apart * t) / apart if apart > 0 else t
    return math.exp(-t) + erlang_c(workers, load) * math.exp(-slower * t) * difference


def mmc_response_quantile(q: float, workers: int, load: float, service_s: float) -> float:
    """The response time that a fraction ``q`` of transactions does not exceed in a central queue, M/M/c.

    Exact but for the root finding, whose error is below 1e-9 service times; q in (0, 1).
    """
    from scipy.optimize import brentq  # 0.4 s to import

    _check(workers, load, service_s)
    _check_quantile(q)

    def excess(t: float) -> float:
        return mmc_response_survival(t, workers, load, 1.0) - (1 - q)

    late = 1.0
    while excess(late) > 0:
        late *= 2
    return float(brentq(excess, 0.0, late, xtol=1e-10)) * service_s


def round_robin_root(workers: int, load: float) -> float:
    """Sigma, the probability that an arrival at E_c/M/1 has to wait: a dispatcher that goes round blindly.

    The fixed point below 1 of sigma = A(mu (1 - sigma)), with A the transform of the gaps at one worker: c
    exponential stages at the dispatcher's whole rate, so A(s) = (lambda / (lambda + s))^c. A(sigma) - sigma
    is convex and positive at 0, hence Newton's steps from 0 climb to the root and never pass it; the end is
    where rounding stops the climb.
    """
    _check(workers, load)
    offered = workers * load
    sigma = 0.0
    while True:
        through_stage = offered / (offered + 1 - sigma)
        transform = through_stage**workers
        slope = workers * transform / (offered + 1 - sigma)
        closer = sigma + (transform - sigma) / (1 - slope) if slope < 1 else sigma
        if not sigma < closer < 1:
            return sigma
        sigma = closer


def round_robin_mean_wait(workers: int, load: float, service_s: float) -> float:
    """Mean wait behind one dispatcher's blind round robin, E_c/M/1: sigma / (mu (1 - sigma))."""
    _check(workers, load, service_s)
    sigma = round_robin_root(workers, load)
    return sigma / (1 - sigma) * service_s


def round_robin_response_quantile(q: float, workers: int, load: float, service_s: float) -> float:
    """Response time quantile behind blind round robin, exponential with rate mu (1 - sigma); q in (0, 1)."""
    _check(workers, load, service_s)
    _check_quantile(q)
    return -math.log1p(-q) / (1 - round_robin_root(workers, load)) * service_s


def mmc_relaxation(workers: int, load: float, service_s: float) -> float:
    """How long M/M/c takes to forget, 1 / (sqrt(c mu) - sqrt(lambda))^2: samples much further apart are independent.

    Of M/M/1 with its rates c times as fast, which M/M/c is while all its workers are busy.
    """
    _check(workers, load, service_s)
    return service_s / (workers * (1 - math.sqrt(load)) ** 2)


def round_robin_relaxation(workers: int, load: float, service_s: float) -> float:
    """The same of E_c/M/1, by the decay from one arrival at a worker to the next.

    The steps of its random walk are a service less a gap; their moment generating function,
    mu / (mu - theta) (lambda / (lambda + theta))^c, is least at theta = (c mu - lambda) / (c + 1), and what is
    remembered shrinks by that factor with each arrival, every c / lambda.
    """
    _check(workers, load, service_s)
    if load == 0:
        return 0.0
    offered = workers * load
    theta = (workers - offered) / (workers + 1)
    decay = math.log1p(-theta) + workers * math.log1p(theta / offered)
    return workers / offered / decay * service_s


def allen_cunneen_mean_wait(
    workers: int, load: float, service_s: float, *, arrival_cv: float, service_cv: float
) -> float:
    """Mean wait in G/G/c, approximately: that of M/M/c times (arrival_cv^2 + service_cv^2) / 2.

    A cv is a standard deviation over its mean: 0 constant, 1 exponential. Exact for M/M/c and for M/G/1
    (Pollaczek-Khinchine); elsewhere an approximation, best at high load.
    """
    for name, cv in (("arrival_cv", arrival_cv), ("service_cv", service_cv)):
        if not 0 <= cv < math.inf:
            raise ValueError(f"{name} must be at least 0 and finite, got {cv}")
    return mmc_mean_wait(workers, load, service_s) * (arrival_cv**2 + service_cv**2) / 2


def _check(workers: int, load: float, service_s: float = 1.0) -> None:
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if not 0 <= load < 1:
        raise ValueError(f"load must be at least 0 and below 1 (a stable queue), got {load}")
    if not 0 < service_s < math.inf:
        raise ValueError(f"service_s must be above 0 and finite, got {service_s}")


def _check_quantile(q: float) -> None:
    if not 0 < q < 1:
        raise ValueError(f"q must be above 0 and below 1 (0.99 is the p99), got {q}")
