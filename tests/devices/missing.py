"""Three processes of PyTorch, one of which never has its part of the classes.

Prints a word for each of the others that raises an error within the time-out of the group.
"""

import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

import xent_api as xa

TIMEOUT = 5.0


def _reduced(operation: Any, value: Any) -> Any:
    dist.all_reduce(value, op=operation)
    return value


def process(rank: int, folder: str) -> None:
    """Take the loss over the classes of all processes; the last one only joins the group."""
    store = dist.FileStore(f"{folder}/store", 3)
    timeout = timedelta(seconds=TIMEOUT)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=3, timeout=timeout)
    if rank == 2:
        time.sleep(3 * TIMEOUT)  # alive, as a process that hangs is
        return
    shard = xa.ClassShard(
        first=2 * rank,
        size=6,
        max=partial(_reduced, dist.ReduceOp.MAX),
        sum=partial(_reduced, dist.ReduceOp.SUM),
    )
    start = time.monotonic()
    labels, logits = torch.tensor([1]), torch.zeros(1, 2, requires_grad=True)
    try:
        xa.sparse_softmax_xent.loss(labels=labels, logits=logits, shard=shard)
    except RuntimeError as error:
        passed = time.monotonic() - start
        Path(f"{folder}/told{rank}").write_text(f"{passed} {error}", encoding="utf-8")


def main() -> None:
    """Run the processes."""
    with TemporaryDirectory() as folder:
        mp.spawn(process, args=(folder,), nprocs=3)
        for path in Path(folder).glob("told*"):
            passed, _, error = path.read_text(encoding="utf-8").partition(" ")
            assert float(passed) < 2 * TIMEOUT, passed
            assert "imed out" in error, error
            sys.stdout.write("told\n")


if __name__ == "__main__":
    main()
