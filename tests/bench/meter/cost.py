"""What a program has cost so far, from /proc: CPU time of a process with all its threads and children, and memory."""

import os
import re
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
MIB = 1024 * 1024


def cpu_seconds(pid):
    """User and system time of the process, its threads (ended ones too), and its living children (nginx's workers)."""
    return sum(_times(Path(f"/proc/{member}/stat")) for member in family(pid))


def cpu_seconds_by_thread(pid):
    """The same by thread, for those that live: `{thread's name: seconds}`; what shares a name is added up."""
    spent = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        name = (thread / "comm").read_text().strip()
        spent[name] = spent.get(name, 0) + _times(thread / "stat")
    return spent


def cpu_seconds_of_strangers():
    """What this machine has worked for anybody but this process and its children, living and ended ones."""
    user, nice, system, _idle, _waiting, *interrupts = _machine()
    us = os.times()
    ended = us.children_user + us.children_system
    return (user + nice + system + sum(interrupts[:3])) * TICK - cpu_seconds(os.getpid()) - ended


def resident(pid):
    """Bytes of memory that the process and its children hold, what they share counted once (PSS)."""
    return sum(_rollup(member, "Pss") for member in family(pid))


def family(pid):
    """The process, its children, and theirs."""
    members = [pid]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            members += family(int(child))
    return members


def _machine():
    # user, nice, system, idle, iowait, irq, softirq, steal, and guests, who are in user too.
    return [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]


def _times(stat):
    # The name in the second field may hold blanks and parentheses. utime and stime are the 14th and 15th.
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def _rollup(pid, name):
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    return int(found.group(1)) * 1024
