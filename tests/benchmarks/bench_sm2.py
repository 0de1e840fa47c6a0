"""SM2 signatures a second through `protocols.sm2`, beside OpenSSL's own loop where its command is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from protocols.sm2 import PrivateKey, implementation
from tests.benchmarks.measure import Measure

CALLS = 1500
MESSAGE_BYTES = 120  # a start command

SPEED = "openssl speed sm2"


def rate(call: Callable[[], object], calls: int = CALLS) -> float:
    """Calls a second."""
    began_s = time.perf_counter()
    for _ in range(calls):
        call()
    return calls / (time.perf_counter() - began_s)


def floors() -> tuple[float | None, float | None]:
    """Signatures and verifications a second of the bare library; None where there is no command."""
    if shutil.which("openssl") is None:
        return None, None
    asked = subprocess.run(["openssl", "speed", "-seconds", "1", "sm2"], capture_output=True, timeout=60, check=False)
    found = re.search(rb"SM2.*?([\d.]+)\s+([\d.]+)\s*$", asked.stdout, re.MULTILINE)
    return (float(found[1]), float(found[2])) if found else (None, None)


def run() -> Iterator[Measure]:
    """Sign and verify one command, on one thread and on two."""
    key = PrivateKey.generate(os.urandom)
    message = os.urandom(MESSAGE_BYTES)
    signature = key.sign(message)
    sign_floor, verify_floor = floors()
    yield Measure("sign", rate(lambda: key.sign(message)), "sign/s", sign_floor, SPEED, implementation())
    yield Measure("verify", rate(lambda: key.public.verify(message, signature)), "verify/s", verify_floor, SPEED)
    began_s = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: rate(lambda: key.public.verify(message, signature)), range(2)))
    yield Measure("verify, 2 threads", 2 * CALLS / (time.perf_counter() - began_s), "verify/s", None, "")
    seeded = rate(lambda: key.sign_repeatably(message, os.urandom), CALLS // 5)
    yield Measure("sign with a seeded nonce (simulation)", seeded, "sign/s", sign_floor, SPEED)
