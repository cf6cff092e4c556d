"""Faults at system calls, by strace: an error number, or SIGKILL, at the N-th call of a thread.

The counters are per thread, and a forked process begins at zero. So one traced process forks a worker for each
position and has it burn the calls that are left to the fixed number: no start of an interpreter per position.
"""

from __future__ import annotations

import shutil

MOST_CALLS = 500
"""The call, counted by a thread, at which it is killed."""


def traced(*injections: str, forks: bool = False) -> list[str]:
    """Return the beginning of a command that is to run with faults; each is an `inject=` expression.

    Args:
        injections: as in strace(1), e.g. `fdatasync:error=EIO:when=3`.
        forks: forked processes are to be traced too, which makes every system call slow.
    """
    found = shutil.which("strace")
    if found is None:
        raise FileNotFoundError("these tests need strace: install the package `strace`")
    calls = ",".join(injection.partition(":")[0] for injection in injections)
    command = [found, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}"]
    if not forks:
        command.append("--seccomp-bpf")
    for injection in injections:
        command += ["-e", f"inject={injection}"]
    return command
