"""The row `restart`: how long a worker takes from the start of its process until all partitions of both folds are
recovered and read, with 1,000,000 contacts in the ledger.
"""

import time
from pathlib import Path
from typing import Final

from tests.bench.catch_up import cpu_seconds
from tests.bench.filled import fill
from tests.bench.rows import Options, Report, Result, Stack, median_of
from tests.faults.servers.cluster import wait_until

CONTACTS: Final = 1_000_000
OPEN_PERMILLE: Final = 10
_SECONDS: Final = 120.0
_PAGE: Final = 4_096


def run(stack: Stack, options: Options, report: Report) -> list[Result]:
    """Filled once, started as often as asked for."""
    seconds: list[float] = []
    used: list[float] = []
    megabytes: list[float] = []
    with stack.cluster("restart") as found:
        (worker,) = found.workers
        report.begin(f"restart: {CONTACTS:,} contacts", 1 + options.repeat)
        fill(found, CONTACTS, open_permille=OPEN_PERMILLE)
        for number in range(options.repeat):
            report.at(1 + number)
            begun = time.monotonic()
            worker.start()
            ready = wait_until(worker.ready, _SECONDS, every=0.05)
            seconds.append(time.monotonic() - begun)
            process = worker._process
            if not ready or process is None:
                raise RuntimeError(f"the worker did not become ready: {worker.said()[-500:]}")
            used.append(cpu_seconds(process.pid))
            megabytes.append(int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * _PAGE / 1e6)
            worker.ask_to_end()
            worker.ended(60)
    what = f"{CONTACTS:,} contacts of the last 5 days, {OPEN_PERMILLE / 10:g} % open, the rest closed; 4 partitions"
    return [
        median_of("restart", seconds, "s", 10, at_least=False, note=what),
        median_of("restart_cpu", used, "s"),
        median_of("restart_memory", megabytes, "MB"),
    ]
