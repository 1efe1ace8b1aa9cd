"""What has to hold in processes of PyTorch: ``torchrun --nproc-per-node 4 on_torch.py [small]``.

The first process prints the name of each case that holds.
"""

import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import torch
import torch.distributed as dist
from helpers.parts import check_references, families, local, size_of, uneven, whole
from torch.autograd import forward_ad
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.experimental import implicit_replication
from torch.nn.parallel import DistributedDataParallel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import xent_api as xa

Shape = tuple[int, ...]


def _all_reduced(operation: Any, value: Any) -> Any:
    dist.all_reduce(value, op=operation)
    return value


class Group:
    """The processes, and what this one has sent."""

    def __init__(self) -> None:
        self.rank, self.count, self.sent = dist.get_rank(), dist.get_world_size(), list[Shape]()

    def shard(self, first: int, size: int) -> xa.ClassShard:
        """Return what this process has, of collectives that work in place."""
        return xa.ClassShard(
            first=first,
            size=size,
            max=partial(self._reduced, dist.ReduceOp.MAX),
            sum=partial(self._reduced, dist.ReduceOp.SUM),
        )

    def call(self, function: Callable[..., Any], arrays: dict[str, Any], **options: Any) -> Any:
        """Call a function of rows over the processes, with a gradient that is autograd's own."""
        if "x" in arrays and arrays["x"].ndim < 2:
            return function(**arrays, **options)
        size = size_of(arrays)
        begin, end = uneven(size, self.count)[self.rank]
        part = local(arrays, begin, end)
        shard = self.shard(begin, size)
        if getattr(function, "__name__", "") == "loss_and_gradient":
            module = xa.softmax_xent if arrays["labels"].ndim == 2 else xa.sparse_softmax_xent
            logits = part.pop("logits").detach().requires_grad_()
            losses = module.loss(logits=logits, **part, **options, shard=shard)
            (slope,) = torch.autograd.grad(losses.float().sum(), logits)
            found: Any = (losses.detach(), slope)
        else:
            found = function(**part, **options, shard=shard)
        parts: list[Any] = [None] * self.count
        dist.all_gather_object(parts, found)
        return whole(parts, torch.cat, size)

    def _reduced(self, operation: Any, value: Any) -> Any:
        self.sent.append(tuple(value.shape))
        return _all_reduced(operation, value)


def reference_values() -> None:
    """Every reference value is one of classes over processes; gradients are those of autograd."""
    dtypes = ["float32", "float64", "float16", "bfloat16"]
    check_references("torch", dtypes, Group().call)


def _given(*, dense: bool) -> dict[str, Any]:
    torch.manual_seed(0)  # the same in all processes
    labels: Any = torch.randint(0, 11, (4, 3))
    labels[0, 1] = -100
    return {
        "logits": 3.0 * torch.randn(4, 3, 11),
        "labels": torch.rand(4, 3, 11) if dense else labels,
        "weights": torch.rand(4, 3),
        "mask": torch.rand(4, 3) < 0.8,
        "class_weights": torch.rand(11),
    }


def derivatives() -> None:
    """The derivatives by all arguments are those of the one loss; of the logits nothing is sent.

    The second process has no classes at all. The backward pass of a loss sends nothing.
    """
    group = Group()
    begin, end = uneven(11, group.count)[group.rank]
    for (module, dense, options), reduction in product(families(), ("sum", "weighted_mean")):
        given = _given(dense=dense)
        names = [n for n, v in given.items() if v.is_floating_point()]
        leaves = {n: given[n].clone().requires_grad_(n in names) for n in given}
        call = partial(module.loss, **options, reduction=reduction)
        exact = torch.autograd.grad(call(**leaves), [leaves[n] for n in names])
        parts = {
            n: (v[..., begin:end] if v.shape[-1] == 11 else v).clone().requires_grad_(n in names)
            for n, v in given.items()
        }
        group.sent.clear()
        loss = call(**parts, shard=group.shard(begin, 11))
        before = len(group.sent)
        loss.backward()
        assert len(group.sent) == before
        assert set(group.sent) == {(4, 3)}
        for name, wanted in zip(names, exact, strict=True):
            part = wanted[..., begin:end] if wanted.shape[-1] == 11 else wanted
            # (Smoothed ones are differences of numbers up to 1, which have an eps of 1.2e-7.)
            torch.testing.assert_close(parts[name].grad, part, rtol=3e-6, atol=2.4e-7)


def special_functions() -> None:
    """Functions of rows with their derivatives; those of rows that are local send a sum back."""
    group = Group()
    begin, end = uneven(11, group.count)[group.rank]
    torch.manual_seed(1)
    x, weights = torch.randn(4, 11, dtype=torch.float64), torch.randn(4, 11, dtype=torch.float64)
    for function in (xa.special.softmax, xa.special.log_softmax, xa.special.logsumexp):
        leaf, part = x.clone().requires_grad_(), x[:, begin:end].clone().requires_grad_()
        exact, found = function(leaf), function(part, shard=group.shard(begin, 11))
        if exact.ndim == 1:
            torch.autograd.backward((exact, found), (weights[:, 0], weights[:, 0]))
            torch.testing.assert_close(found, exact)
        else:
            torch.autograd.backward((exact, found), (weights, weights[:, begin:end]))
            torch.testing.assert_close(found, exact[:, begin:end])
        torch.testing.assert_close(part.grad, leaf.grad[:, begin:end], rtol=1e-13, atol=1e-15)


def what_is_refused() -> None:
    """There is no second derivative; a label that is no class is NaN, one elsewhere is not."""
    group = Group()
    begin, end = uneven(11, group.count)[group.rank]
    labels = torch.tensor([10, 11, -1])
    x = torch.zeros(3, end - begin, requires_grad=True)
    given: dict[str, Any] = {"labels": labels, "logits": x, "shard": group.shard(begin, 11)}
    loss = xa.sparse_softmax_xent.loss(**given)
    assert loss.isnan().tolist() == [False, True, True]
    (slope,) = torch.autograd.grad(loss.sum(), x, create_graph=True)
    assert slope.isnan().all(dim=-1).tolist() == [end == begin, True, True]
    for value in (slope, xa.sparse_softmax_xent.gradient(**given)):
        try:
            value.sum().backward()
        except NotImplementedError:
            continue
        raise AssertionError


def compiled() -> None:
    """The same under ``torch.compile``, as one graph."""
    group = Group()
    begin, end = uneven(11, group.count)[group.rank]
    given = _given(dense=False)
    labels = given["labels"].clamp(min=0)

    def mean(logits: Any) -> Any:
        shard = xa.ClassShard(
            first=begin,
            size=11,
            max=partial(_all_reduced, dist.ReduceOp.MAX),
            sum=partial(_all_reduced, dist.ReduceOp.SUM),
        )
        return xa.sparse_softmax_xent.loss(
            labels=labels, logits=logits, reduction="mean", shard=shard
        )

    leaf = given["logits"].clone().requires_grad_()
    part = given["logits"][..., begin:end].clone().requires_grad_()
    exact = xa.sparse_softmax_xent.loss(labels=labels, logits=leaf, reduction="mean")
    found = torch.compile(mean, fullgraph=True)(part)
    torch.autograd.backward((exact, found))
    torch.testing.assert_close(found, exact)
    torch.testing.assert_close(part.grad, leaf.grad[..., begin:end], rtol=3e-6, atol=1e-8)


class Messages(TorchDispatchMode):  # type: ignore[misc]  # Any where torch is missing
    """The sizes of the tensors that go to collectives."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if DTensor in types:
            return NotImplemented  # what it makes of that comes by
        if "c10d" in str(function) and "wait" not in str(function):
            tensors = tree_leaves((args, kwargs))
            self.sizes += [v.numel() for v in tensors if isinstance(v, torch.Tensor)]
        return function(*args, **kwargs or {})


def distributed_tensors() -> None:
    """A tensor whose rows or classes lie in several processes is one tensor.

    Of classes three to six numbers of each row are sent, also in a mesh of two dimensions, one of
    which has the rows.
    """
    line = init_device_mesh("cpu", (dist.get_world_size(),))
    square = init_device_mesh("cpu", (2, dist.get_world_size() // 2))
    ways = [(line, (place,)) for place in (Shard(0), Shard(1), Replicate())]
    for module, dense, options in [(xa.sigmoid_xent, True, {}), *families()]:
        given = _given(dense=dense)
        given = {n: v.flatten(0, 1) if v.ndim > 1 else v for n, v in given.items()}
        if module is xa.sigmoid_xent:
            given = {name: given[name] for name in ("logits", "labels")}
        for mesh, places in [*ways, (square, (Shard(0), Shard(1)))]:
            spread = {n: _placed(n, v, mesh, places) for n, v in given.items()}
            exact = _results(module, given, options)
            with Messages() as messages:
                found = _results(module, spread, options)
            assert all(isinstance(value, DTensor) for value in found)
            for value, wanted in zip(found, exact, strict=True):
                torch.testing.assert_close(value.full_tensor(), wanted)
            if Shard(1) in places and module is not xa.sigmoid_xent:
                rows = 12 // (2 if mesh is square else 1)
                assert 0 < max(messages.sizes) <= rows, messages.sizes
                assert len(messages.sizes) <= 50, (
                    messages.sizes
                )  # loss, three slopes, mean, Hessian


def ways_of_distributing() -> None:
    """Rows that are one, class weights that are whole, three messages; what is refused."""
    mesh = init_device_mesh("cpu", (2, dist.get_world_size() // 2))
    places = (Shard(0), Shard(1))
    for rows in (1, 4):
        torch.manual_seed(0)
        x, w, c = torch.randn(rows, 8), torch.rand(rows), torch.rand(8)
        given = {"logits": x, "labels": torch.arange(rows), "weights": w, "class_weights": c}
        spread = {n: _placed(n, v, mesh, places) for n, v in given.items()}
        spread["class_weights"] = distribute_tensor(c, mesh, [Replicate(), Replicate()])
        pairs = zip(
            _results(xa.sparse_softmax_xent, spread, {}),
            _results(xa.sparse_softmax_xent, given, {}),
            strict=True,
        )
        for value, wanted in pairs:
            torch.testing.assert_close(value.full_tensor(), wanted)
    plain: dict[str, Any] = {"labels": spread["labels"], "logits": spread["logits"].detach()}
    plain["logits"].requires_grad_()
    with Messages() as messages:
        xa.sparse_softmax_xent.loss(**plain).sum().backward()
    assert messages.sizes == [2, 2, 2], messages.sizes
    dense = {"labels": spread["logits"], "logits": spread["logits"]}
    # (Inductor's cache on disk keeps names of groups, which differ among processes.)
    compiled_loss: Any = torch.compile(xa.softmax_xent.loss, fullgraph=True, backend="aot_eager")
    compiled_loss(**dense)
    shard = Group().shard(0, 8)
    for wrong in (plain | {"labels": given["labels"]}, plain | {"shard": shard}):
        try:
            xa.sparse_softmax_xent.loss(**wrong)
        except (RuntimeError, TypeError):  # of PyTorch, where tensors are mixed
            continue
        raise AssertionError
    with implicit_replication():
        mixed = xa.sparse_softmax_xent.loss(**plain | {"labels": given["labels"]})
    wanted = xa.sparse_softmax_xent.loss(labels=given["labels"], logits=given["logits"])
    torch.testing.assert_close(mixed.full_tensor(), wanted)


def transformations() -> None:
    """Forward mode and ``torch.func`` are refused, also in their first call of all."""
    group = Group()
    begin, end = uneven(11, group.count)[group.rank]
    x = torch.zeros(3, end - begin)

    def total(x: Any) -> Any:
        labels = torch.tensor([0, 1, 2])
        shard = group.shard(begin, 11)
        return xa.sparse_softmax_xent.loss(labels=labels, logits=x, shard=shard).sum()

    def forward() -> Any:
        dual: Any = forward_ad.dual_level
        with dual():
            dual_of: Any = forward_ad.make_dual
            return total(dual_of(x, x))

    refused: list[Any] = [
        lambda: torch.func.grad(total)(x),
        lambda: torch.func.jvp(total, (x,), (x,)),
        lambda: torch.func.vmap(total)(x[None]),
        forward,
    ]
    for wrong in refused:
        try:
            wrong()
        except NotImplementedError:
            continue
        raise AssertionError


def _placed(name: str, value: Any, mesh: Any, places: tuple[Any, ...]) -> DTensor:
    """Return a distributed tensor of which rows and classes lie as those of the logits do."""
    found = []
    for place in places:
        axis = place.dim if isinstance(place, Shard) else None
        if name == "class_weights":
            found.append(Shard(0) if axis == 1 else Replicate())
        else:
            found.append(place if value.ndim == 2 or axis == 0 else Replicate())
    return distribute_tensor(value, mesh, found)


def _results(module: Any, given: dict[str, Any], options: Any) -> list[Any]:
    """Return a mean, losses, their derivatives by all floating arguments, and the Hessian."""
    leaves = {n: v.detach().clone().requires_grad_(v.is_floating_point()) for n, v in given.items()}
    losses = module.loss(**leaves, **options)
    floating = [v for v in leaves.values() if v.requires_grad]
    slopes = torch.autograd.grad(losses.sum(), floating)
    mean = module.loss(**given, **options, reduction="mean")
    return [mean, losses.detach(), *slopes, *module.gradient_and_hessian(**given, **options)]


def means() -> None:
    """The gradient of a mean over all processes, by DDP and FSDP, which divide by their number.

    Nothing of the third part counts. Each process has a part of the rows.
    """
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    count, inputs = 4 * world, torch.randn(4 * world, 5)
    given = {
        "labels": torch.randint(0, 6, (count,)),
        "weights": torch.rand(count),
        "mask": torch.arange(count) % 5 != 0,
    }
    given["labels"][8:12] = -100
    rows = slice(4 * rank, 4 * rank + 4)
    part = {name: value[rows] for name, value in given.items()}
    total = xa.sparse_softmax_xent.total_weight(**part, ignore_index=-100)
    dist.all_reduce(total)
    mean = partial(xa.sparse_softmax_xent.loss, ignore_index=-100)
    for wrap in (DistributedDataParallel, fully_shard):
        model = torch.nn.Linear(5, 6)
        loss = mean(logits=model(inputs), **given, reduction="weighted_mean")
        exact = torch.autograd.grad(loss, list(model.parameters()))
        parallel: Any = wrap(model)
        logits = parallel(inputs[rows])
        mean(logits=logits, **part, reduction="mean", denominator=total / world).backward()
        for parameter, wanted in zip(parallel.parameters(), exact, strict=True):
            found = parameter.grad
            found = found.full_tensor() if isinstance(found, DTensor) else found
            torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-7)


def totals_beyond_32_bits() -> None:
    """Counts have 64 bits here."""
    labels = torch.zeros(1, dtype=torch.int8).expand(700_000_000)
    total = xa.sigmoid_xent.total_weight(labels=labels, ignore_index=1)
    dist.all_reduce(total)
    assert int(total) == 700_000_000 * dist.get_world_size()


SMALL = (derivatives, what_is_refused, means)
CASES = (
    *SMALL,
    reference_values,
    special_functions,
    compiled,
    transformations,
    distributed_tensors,
    ways_of_distributing,
    totals_beyond_32_bits,
)


def main() -> None:
    """Run the cases, or a few of them."""
    dist.init_process_group("gloo")
    for case in SMALL if sys.argv[1:] == ["small"] else CASES:
        case()
        dist.barrier()
        if dist.get_rank() == 0:
            sys.stdout.write(f"{case.__name__}\n")
            sys.stdout.flush()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
