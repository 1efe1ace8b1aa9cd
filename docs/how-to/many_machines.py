"""The gradient of a mean over two processes is that over the whole batch."""

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

import xent_api as xa


def main() -> None:
    """Take one backward pass over a part of the batch, and one over all of it."""
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)  # the same model and data on each process
    model = torch.nn.Linear(5, 1, bias=False)
    inputs, labels = torch.randn(8, 5), torch.tensor([1, 0, 1, -1, -1, -1, 0, 1]).unsqueeze(1)

    parallel = DistributedDataParallel(model)
    part = slice(rank * 8 // world, (rank + 1) * 8 // world)  # 3 and 2 labels count
    total = xa.sigmoid_xent.total_weight(labels=labels[part], ignore_index=-1)
    dist.all_reduce(total)  # a number for each process: no gradient passes through it
    loss = xa.sigmoid_cross_entropy_with_logits(
        labels=labels[part],
        logits=parallel(inputs[part]),
        ignore_index=-1,
        reduction="mean",
        denominator=total / world,
    )
    loss.backward()

    whole = xa.sigmoid_cross_entropy_with_logits(
        labels=labels, logits=model(inputs), ignore_index=-1, reduction="mean"
    )
    (wanted,) = torch.autograd.grad(whole, model.weight)
    torch.testing.assert_close(model.weight.grad, wanted)
    dist.destroy_process_group()
    print(f"process {rank} of {world}: the gradients agree")


if __name__ == "__main__":
    main()
