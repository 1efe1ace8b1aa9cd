"""Measure what a loss costs over several devices, and write the tables of ``docs/growth.md``.

    python tools/growth.py            # a minute, on a machine with nothing else to do
    python tools/growth.py dask       # 10^9 positions in 4 GiB: half a minute
    python tools/growth.py page       # the tables alone

Devices are those that JAX makes of one processor, and processes of PyTorch: with fewer cores than
devices a batch that grows with them takes longer, and what is seen is the cost of talking.
"""

import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

from xent_api.testing.machine import describe_machine

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "growth"
PAGE = ROOT / "docs" / "growth.md"
COUNTS = (1, 2, 4, 8)
ROWS, CLASSES = 512, 32768
"""Of the batch that does not grow; the one that does has so many classes for each device."""
OWN = CLASSES // 8
BYTES = {"f32": 4, "f64": 8, "s32": 4, "pred": 1}
COLLECTIVES = re.compile(
    r"= (.*?) (?:all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute)(?:-start)?\("
)


def timed(function: Callable[[], object], repeats: int = 9) -> float:
    """Return the median of the seconds that a call takes, after one that is not timed."""
    function()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return median(found)


def on_jax(count: int) -> dict[str, Any]:
    """Return what loss and gradient cost over so many devices of JAX."""
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
    import jax
    import numpy as np
    from jax.sharding import AxisType, NamedSharding
    from jax.sharding import PartitionSpec as P

    import xent_api as xa

    mesh = jax.make_mesh((count,), ("classes",), (AxisType.Auto,))
    split = P(None, "classes")

    def compiled(size: int) -> tuple[Any, Any, Any]:
        random = np.random.default_rng(0)
        x = random.normal(size=(ROWS, size)).astype("f")
        y = jax.device_put(random.integers(0, size, ROWS), NamedSharding(mesh, P()))

        def part(labels: Any, logits: Any) -> Any:
            shard = xa.ClassShard(
                first=jax.lax.axis_index("classes") * logits.shape[-1],
                size=size,
                max=lambda value: jax.lax.pmax(value, "classes"),
                sum=lambda value: jax.lax.psum(value, "classes"),
            )

            def mean(logits: Any) -> Any:
                return xa.sparse_softmax_xent.loss(
                    labels=labels, logits=logits, reduction="mean", shard=shard
                )

            return jax.value_and_grad(mean)(logits)

        mapped = jax.shard_map(part, mesh=mesh, in_specs=(P(), split), out_specs=(P(), split))
        given = y, jax.device_put(x, NamedSharding(mesh, split))
        return jax.jit(mapped).lower(*given).compile(), *given

    call, *given = compiled(CLASSES)
    sent = 0
    for shapes in COLLECTIVES.findall(call.as_text()):
        for kind, dims in re.findall(r"(\w+)\[([\d,]*)\]", shapes):
            sent += BYTES[kind] * prod(int(n) for n in dims.split(",") if n)
    found = {"bytes": sent / ROWS if count > 1 else 0}
    found["fixed"] = timed(lambda: jax.block_until_ready(call(*given)))
    call, *given = compiled(OWN * count)
    found["growing"] = timed(lambda: jax.block_until_ready(call(*given)))
    return found


def on_torch(count: int) -> dict[str, Any]:
    """Return the same over so many processes of PyTorch, as the first one of them saw it."""
    import torch.multiprocessing as mp

    file = RESULTS / "torch-process.json"
    store = RESULTS / "store"
    store.unlink(missing_ok=True)
    mp.spawn(_process, args=(count, str(store), str(file)), nprocs=count)  # type: ignore[no-untyped-call,unused-ignore]
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for path in (file, store):
        path.unlink(missing_ok=True)
    return found


def _process(rank: int, count: int, store: str, file: str) -> None:
    import torch
    import torch.distributed as dist

    import xent_api as xa

    torch.set_num_threads(1)
    dist.init_process_group("gloo", store=dist.FileStore(store, count), rank=rank, world_size=count)
    sent = [0]

    def reduced(operation: Any, value: Any) -> Any:
        if count > 1:
            sent[0] += value.numel() * value.element_size()
            dist.all_reduce(value, op=operation)
        return value

    def step(each: int, *, whole: bool = False) -> Callable[[], object]:
        torch.manual_seed(0)
        logits = torch.randn(ROWS, each, requires_grad=True)
        labels = torch.randint(0, each * count, (ROWS,))
        shard = xa.ClassShard(
            first=rank * each,
            size=each * count,
            max=partial(reduced, dist.ReduceOp.MAX),
            sum=partial(reduced, dist.ReduceOp.SUM),
        )

        def run() -> None:
            logits.grad = None
            dist.barrier()
            given: dict[str, Any] = {} if whole else {"shard": shard}
            xa.sparse_softmax_xent.loss(
                labels=labels, logits=logits, reduction="mean", **given
            ).backward()
            dist.barrier()

        return run

    call = step(CLASSES // count)
    call()
    found = {"bytes": sent[0] / ROWS, "fixed": timed(call)}
    found["growing"] = timed(step(OWN))
    if count == 1:
        found["whole"] = timed(step(CLASSES, whole=True))
    if rank == 0:
        Path(file).write_text(json.dumps(found), encoding="utf-8")
    dist.destroy_process_group()


def on_dask() -> dict[str, Any]:
    """Return what a mean over 10^9 positions takes on two workers of 2 GiB."""
    import dask.array as da
    from distributed import Client, LocalCluster

    import xent_api as xa

    size, chunk = 10**9, 5 * 10**6
    client_of: Any = Client
    cluster_of: Any = LocalCluster
    limit = {"memory_limit": "2GiB", "dashboard_address": None}
    with cluster_of(n_workers=2, threads_per_worker=1, **limit) as cluster, client_of(cluster) as c:
        random = da.random.default_rng(0)
        logits = random.normal(size=size, chunks=chunk).astype("float32")
        labels = random.integers(-1, 2, size=size, chunks=chunk)
        given: dict[str, Any] = {"labels": labels, "logits": logits, "ignore_index": -1}
        mean = xa.sigmoid_xent.loss(**given, reduction="mean")
        total = xa.sigmoid_xent.total_weight(**given)
        tasks = len(set(mean.__dask_graph__()) | set(total.__dask_graph__()))
        start = time.perf_counter()
        value, kept = c.compute((mean, total), sync=True)
        seconds = time.perf_counter() - start
        peaks = c.run(_peak_memory)
    return {
        "positions": size,
        "chunk": chunk,
        "seconds": seconds,
        "mean": float(value),
        "kept": int(kept),
        "tasks": tasks,
        "peak_bytes": max(peaks.values()),
    }


def _peak_memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _record(name: str, found: Any, libraries: tuple[str, ...]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    record = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": describe_machine(),
        "versions": {library: version(library) for library in libraries},
        "found": found,
    }
    text = json.dumps(record, indent=1) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def tables() -> dict[str, str]:
    """Return the tables by name."""
    return {"devices": "\n".join(_devices()), "dask": "\n".join(_dask())}


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _devices() -> Iterator[str]:
    yield "| | devices | bytes sent a row | fixed batch, ms | growing batch, ms |"
    yield "|---|---|---|---|---|"
    for name, title in (("jax", "JAX"), ("torch", "PyTorch")):
        for count, found in _read(name)["found"].items():
            fixed, growing = 1e3 * found["fixed"], 1e3 * found["growing"]
            yield f"| {title} | {count} | {found['bytes']:g} | {fixed:.1f} | {growing:.1f} |"
    whole = 1e3 * _read("torch")["found"]["1"]["whole"]
    yield f"| PyTorch, the plain call | 1 | 0 | {whole:.1f} | |"
    yield ""
    for name, title in (("jax", "JAX"), ("torch", "PyTorch")):
        record = _read(name)
        versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
        yield f"{title}: {record['date']}, {record['machine']}, {versions}."


def _dask() -> Iterator[str]:
    record = _read("dask")
    found = record["found"]
    yield "| positions | in a chunk | seconds | tasks | most memory of a worker, MiB |"
    yield "|---|---|---|---|---|"
    memory = found["peak_bytes"] / 2**20
    yield (
        f"| {found['positions']:.0e} | {found['chunk']:.0e} | {found['seconds']:.0f} | "
        f"{found['tasks']} | {memory:.0f} |"
    )
    yield ""
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    yield f"{record['date']}, {record['machine']}, {versions}."


def page(text: str) -> str:
    """Return the page with its tables as the results have them."""
    for name, table in tables().items():
        between = re.compile(f"(<!-- {name} -->\n\n).*?(<!-- end of {name} -->)", re.DOTALL)
        assert between.search(text), name
        text = between.sub(rf"\g<1>{table}\n\n\g<2>", text)
    return text


def main() -> None:
    """Measure, each number of devices in a process of its own; write the tables."""
    match sys.argv[1:]:
        case ["dask"]:
            _record("dask", on_dask(), ("dask", "distributed", "numpy"))
        case ["jax" | "torch" as name, count]:
            found = {"jax": on_jax, "torch": on_torch}[name](int(count))
            print(json.dumps(found))
            return
        case ["page"]:
            pass
        case _:
            RESULTS.mkdir(parents=True, exist_ok=True)
            for name in ("jax", "torch"):
                found = {str(count): _alone(name, count) for count in COUNTS}
                _record(name, found, ("jax", "jaxlib") if name == "jax" else ("torch",))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _alone(name: str, count: int) -> dict[str, Any]:
    command = [sys.executable, __file__, name, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
