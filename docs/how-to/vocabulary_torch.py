"""One loss whose vocabulary lies in several processes, with its gradient."""

from collections.abc import Callable

import torch
import torch.distributed as dist

import xent_api as xa

VOCABULARY = 64


def all_reduce(operation: dist.ReduceOp.RedOpType) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a collective of all processes, which returns the tensor."""

    def collective(value: torch.Tensor) -> torch.Tensor:
        dist.all_reduce(value, op=operation)
        return value

    return collective


def main() -> None:
    """Compare the part of this process with the whole."""
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    first, last = rank * VOCABULARY // world, (rank + 1) * VOCABULARY // world

    torch.manual_seed(0)  # the same model and data in each process
    hidden, head = torch.randn(8, 16, requires_grad=True), torch.randn(VOCABULARY, 16)
    labels = torch.arange(8) * 7  # numbers among all classes, the same in every process

    part = head[first:last].clone().requires_grad_()  # all of the head that is here
    shard = xa.ClassShard(
        first=first,
        size=VOCABULARY,
        max=all_reduce(dist.ReduceOp.MAX),
        sum=all_reduce(dist.ReduceOp.SUM),
    )
    loss = xa.sparse_softmax_xent.loss(
        labels=labels, logits=hidden @ part.T, label_smoothing=0.1, reduction="mean", shard=shard
    )
    loss.backward()  # sends nothing
    all_reduce(dist.ReduceOp.SUM)(hidden.grad)  # each process has the share of its classes

    states, whole = hidden.detach().requires_grad_(), head.requires_grad_()
    wanted = xa.sparse_softmax_xent.loss(
        labels=labels, logits=states @ whole.T, label_smoothing=0.1, reduction="mean"
    )
    wanted.backward()
    torch.testing.assert_close(loss, wanted)
    torch.testing.assert_close(part.grad, whole.grad[first:last])
    torch.testing.assert_close(hidden.grad, states.grad)
    dist.destroy_process_group()
    print(f"process {rank} of {world}: loss and gradient are those of the whole vocabulary")


if __name__ == "__main__":
    main()
