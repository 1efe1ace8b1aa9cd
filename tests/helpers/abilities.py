"""What each library can do with the loss: tests run it, and the tables are made of it.

    PYTHONPATH=tests:src python tests/helpers/abilities.py

writes them into README.md and docs/backends.md.
"""

from pathlib import Path
from typing import NamedTuple

from xent_api.testing.modes import (
    MODES,
    Mode,
    Slopes,
    jax_slopes,
    mlx_slopes,
    paddle_slopes,
    tensorflow_slopes,
    torch_slopes,
)


class Library(NamedTuple):
    """What a library is tested for, and what is known of it."""

    title: str
    way: str
    """How it is run."""
    defect: str
    """The worst that is known."""
    slopes: Slopes | None = None
    """How it differentiates, in the simplest way."""
    modes: tuple[Mode, ...] = ()
    """Its ways of differentiating, each once and twice."""
    compiler: str = ""
    """What compiles calls, or exports them."""
    lazy: str = ""
    """How its arrays are computed later, where they are."""
    devices: str = "CPU"

    @property
    def is_used_by_many(self) -> bool:
        """Whether the README has a line for it."""
        return bool(self.modes or self.compiler) or self.title in ("NumPy", "Dask")

    @property
    def autodiff(self) -> str:
        """By what its derivatives come."""
        if not self.modes:
            return ""
        return "closed form" if any(not mode.plain for mode in self.modes) else "of the formula"


LIBRARIES = {
    "numpy": Library(
        "NumPy",
        "in tiles that fit the cache, by as many threads as you allow; no floating-point warnings",
        "one softmax gradient in several million: 4.6 ulp (its float32 `exp` is off by up to 2.5)",
    ),
    "torch": Library(
        "PyTorch",
        "by a rule of autograd, eager and compiled; compiled kernels on CPUs",
        "a second thread of a kernel gains nothing while PyTorch's own threads spin",
        torch_slopes,
        MODES["torch"],
        "torch.compile",
        devices="CPU, CUDA, meta",
    ),
    "jax": Library(
        "JAX",
        "by a derivative rule, eager and traced, float64 on and off",
        "subnormal numbers are 0: exp(-x) above 87.3 in float32",
        jax_slopes,
        MODES["jax"],
        "jax.jit",
        devices="CPU, CUDA, sharded",
    ),
    "mlx": Library(
        "MLX",
        "as it is; its float32 `exp`, off by 63 ulp, is replaced",
        "float64 has the accuracy of float32",
        mlx_slopes,
        MODES["mlx"],
        "mx.compile",
    ),
    "tensorflow": Library(
        "TensorFlow",
        "by a namespace of ours: tensors and variables, `tf.function`, unknown batches",
        "subnormal numbers are 0",
        tensorflow_slopes,
        MODES["tensorflow"],
        "tf.function",
    ),
    "paddle": Library(
        "Paddle",
        "by a namespace of ours, with its `exp` and casts to float16 repaired; `to_static`",
        "the sign of a 0 is lost; no unsigned integers beyond 8 bits",
        paddle_slopes,
        MODES["paddle"],
        "to_static",
    ),
    "dask": Library(
        "Dask",
        "lazily, one layer for each call, with unknown chunks too",
        "none known; tested with NumPy chunks",
        lazy="one layer per call",
    ),
    "ndonnx": Library(
        "ndonnx",
        "lazily, with dynamic shapes",
        "one float32 loss in 100 000, near 0: 4.8 ulp (onnxruntime's `log1p` is off by up to 3.9)",
        compiler="exports ONNX",
        lazy="dynamic shapes",
    ),
    "array_api_strict": Library(
        "array-api-strict",
        "as it is, also with nothing optional and on its other devices",
        "its device without float64: one gradient in 100 000, 5.3 ulp",
        devices="CPU and its others",
    ),
    "mparray": Library("mparray", "as it is", "does not round to the dtype that it is asked for"),
    "dpnp": Library("dpnp", "as it is", "none known", devices="CPU, by OpenCL"),
    "cubed": Library(
        "Cubed",
        "as it is; labels are looked up by a sum",
        "NumPy's floating-point warnings, where it computes",
        lazy="yes",
    ),
    "sparse": Library("sparse", "as it is; labels are looked up by a sum", "none known"),
    "cupy": Library(
        "CuPy",
        "as it is, or by fused kernels",
        "none known: no GPU has been at hand",
        devices="CUDA",
    ),
}


ROOT = Path(__file__).parents[2]


def short_table() -> str:
    """Return the README's table, in Markdown."""
    head = ("library", "compiled", "autodiff", "the worst that is known")
    main = [v for v in LIBRARIES.values() if v.is_used_by_many]
    others = ", ".join(v.title for v in LIBRARIES.values() if v not in main)
    rows = [(v.title, _code(v.compiler), v.autodiff, v.defect) for v in main]
    return _lines(head, *rows, (others, "", "", "[the table of all](docs/backends.md)"))


def long_table() -> str:
    """Return the docs' table, in Markdown."""
    head = (
        *("library", "how it is run", "the worst that is known"),
        *("compiled", "vmap", "autodiff, twice", "lazy", "devices"),
    )
    return _lines(
        head,
        *(
            (
                v.title,
                v.way,
                v.defect,
                _code(v.compiler),
                "yes" if any(mode.mapped for mode in v.modes) else "",
                v.autodiff,
                v.lazy,
                v.devices,
            )
            for v in LIBRARIES.values()
        ),
    )


PAGES = {"README.md": short_table, "docs/backends.md": long_table}


def _code(name: str) -> str:
    return f"`{name}`" if name and " " not in name else name


def _lines(head: tuple[str, ...], *rows: tuple[str, ...]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Write the tables in the place of what begins with the same heading."""
    for name, table in PAGES.items():
        path, head = ROOT / name, table().partition("\n")[0]
        before, _, rest = path.read_text(encoding="utf-8").partition(head)
        after = rest.partition("\n\n")[2]
        path.write_text(f"{before}{table()}\n\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
