"""What has to hold on Cubed's executors of several processes: ``python on_cubed.py``.

Prints the name of each case that holds.
"""

import sys
from tempfile import TemporaryDirectory
from typing import Any

import cubed
import numpy as np
from distributed import LocalCluster

import xent_api as xa

FAMILIES = (xa.sigmoid_xent, xa.softmax_xent, xa.sparse_softmax_xent)


def _given(module: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    labels: Any = random.uniform(size=(60, 7)).astype("f")
    rows = (60, 7) if module is xa.sigmoid_xent else (60,)
    if module is xa.sparse_softmax_xent:
        labels = random.integers(0, 7, 60)
    mask = np.arange(60) // 20 != 1  # of one part nothing counts
    return {
        "logits": random.normal(size=(60, 7)).astype("f"),
        "labels": labels,
        "weights": random.uniform(size=rows).astype("f"),
        "mask": mask[:, None] if module is xa.sigmoid_xent else mask,
    }


def means(spec: Any) -> None:
    """Means and their derivatives are those of the whole arrays."""
    for module in FAMILIES:
        given, options = _given(module), dict[str, Any](reduction="weighted_mean")
        exact = module.loss_and_gradient(**given, **options)
        parts = {
            n: cubed.from_array(v, chunks=(20, 7)[: v.ndim] if v.shape[-1] == 7 else 20, spec=spec)
            for n, v in given.items()
        }
        found = cubed.compute(*module.loss_and_gradient(**parts, **options))
        for value, wanted in zip(found, exact, strict=True):
            np.testing.assert_allclose(np.asarray(value), wanted, rtol=1e-6, atol=1e-8)


def main() -> None:
    """Run the cases on both executors."""
    two: Any = LocalCluster
    with TemporaryDirectory() as folder, two(n_workers=2, dashboard_address=None) as cluster:
        options = {"compute_kwargs": {"address": cluster.scheduler_address}}
        for name, given in (("processes", {}), ("dask", options)):
            executor = {"executor_name": name, "executor_options": given}
            means(cubed.Spec(work_dir=folder, allowed_mem="500MB", **executor))
            sys.stdout.write(f"means[{name}]\n")


if __name__ == "__main__":
    main()
