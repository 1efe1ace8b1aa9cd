"""What must not be in the middle of something when the process forks.

A module that another thread is importing then, and what that thread has locked, would stay locked
in the child for ever.
"""

import os
from contextlib import suppress
from threading import RLock

lock = RLock()
"""Held around the imports of a first call, and every call of LLVM. A fork waits for it."""


def _release() -> None:
    with suppress(RuntimeError):  # a fork that had begun before this module was imported
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lock.acquire, after_in_parent=_release, after_in_child=_release)
