"""What has to hold on two workers of Dask, processes of their own: ``python on_dask.py [small]``.

Prints the name of each case that holds.
"""

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, get_worker

import xent_api as xa

FAMILIES = (xa.sigmoid_xent, xa.softmax_xent, xa.sparse_softmax_xent)


def _given(module: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    labels = random.uniform(size=(60, 7)).astype("f")
    rows = (60, 7) if module is xa.sigmoid_xent else (60,)
    if module is xa.sparse_softmax_xent:
        labels = random.integers(0, 7, 60)
        labels[20:30] = -1  # of one part nothing counts
    return {
        "logits": random.normal(size=(60, 7)).astype("f"),
        "labels": labels,
        "weights": random.uniform(size=rows).astype("f"),
        "mask": random.uniform(size=rows) < 0.7,
    }


def means(client: Any) -> None:
    """Means and their derivatives are those of the whole arrays; rows may be cut in classes."""
    del client
    for module in FAMILIES:
        given, options = _given(module), dict[str, Any](reduction="weighted_mean")
        if module is xa.sparse_softmax_xent:
            options["ignore_index"] = -1
        exact = module.loss_and_gradient(**given, **options)
        for chunks in (10, (10, 3)):
            parts = {
                n: da.from_array(v, chunks=chunks if v.ndim == 2 else 10) for n, v in given.items()
            }
            found = dask.compute(*module.loss_and_gradient(**parts, **options))
            for value, wanted in zip(found, exact, strict=True):
                np.testing.assert_allclose(value, wanted, rtol=1e-6, atol=1e-8)
            total = module.total_weight(**parts, **options).compute()
            np.testing.assert_allclose(total, module.total_weight(**given, **options), rtol=1e-6)


def class_weights(client: Any) -> None:
    """Class weights and smoothing, of both kinds of labels."""
    del client
    weights = np.random.default_rng(1).uniform(size=7).astype("f")
    for module in FAMILIES[1:]:
        given = _given(module) | {"class_weights": weights}
        options: dict[str, Any] = {"reduction": "weighted_mean", "label_smoothing": 0.1}
        if module is xa.sparse_softmax_xent:
            options["ignore_index"] = -1
        parts = {
            n: da.from_array(v, chunks=10 if n != "class_weights" else 3) for n, v in given.items()
        }
        found = module.loss(**parts, **options).compute()
        np.testing.assert_allclose(found, module.loss(**given, **options), rtol=1e-6)


def a_worker_that_dies(client: Any) -> None:
    """What it had, another one computes again; the result is the same."""
    with TemporaryDirectory() as folder:
        died = Path(folder) / "died"

        def block(part: Any, *, died: str) -> Any:
            if not Path(died).exists():
                Path(died).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return part

        given = _given(xa.sigmoid_xent)
        logits = da.from_array(given["logits"], chunks=10)
        logits = logits.map_blocks(block, died=str(died), dtype=logits.dtype, meta=logits._meta)
        labels = da.from_array(given["labels"], chunks=10)
        before = set(client.run(os.getpid).values())
        found = xa.sigmoid_xent.loss(labels=labels, logits=logits, reduction="mean").compute()
        client.wait_for_workers(2, timeout=60)
        assert died.exists()
        assert set(client.run(os.getpid).values()) != before
    given = {name: given[name] for name in ("labels", "logits")}
    np.testing.assert_allclose(found, xa.sigmoid_xent.loss(**given, reduction="mean"), rtol=1e-6)


def totals_beyond_32_bits(client: Any) -> None:
    """Counts of blocks are added up in 64 bits."""
    del client
    labels = da.zeros(3_000_000_000, dtype="int8", chunks=100_000_000)
    assert (
        int(xa.sigmoid_xent.total_weight(labels=labels, ignore_index=1).compute()) == 3_000_000_000
    )


def where_it_runs(client: Any) -> None:
    """The blocks are computed in the workers, and not here."""
    logits = da.zeros(40, chunks=10)
    seen = logits.map_blocks(lambda part: part + 0 * bool(get_worker()), dtype="f8")
    assert float(xa.special.softplus(seen).sum().compute()) > 0
    assert len(set(client.run(os.getpid).values()) - {os.getpid()}) == 2


SMALL = (means, where_it_runs)
CASES = (*SMALL, class_weights, a_worker_that_dies, totals_beyond_32_bits)


def main() -> None:
    """Run the cases, or a few of them."""
    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    cluster_of: Any = LocalCluster
    client_of: Any = Client
    with cluster_of(processes=True, **options) as cluster, client_of(cluster) as client:
        for case in SMALL if sys.argv[1:] == ["small"] else CASES:
            case(client)
            sys.stdout.write(f"{case.__name__}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
