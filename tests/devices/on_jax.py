"""What has to hold on eight devices of JAX: ``python on_jax.py [small]``.

Prints the name of each case that holds. Eight devices of one processor need no more than this.
"""

import os
import re
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from math import prod
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from helpers.parts import check_references, families, is_local, size_of
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import xent_api as xa

SMALL = sys.argv[1:] == ["small"]
"""Whether a few cases of each kind are enough."""
COUNT = 8
COLLECTIVES = re.compile(
    r"= (.*?) (all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute)(?:-start)?\("
)


def mesh_of(*names: str, kind: AxisType = AxisType.Auto, count: int = COUNT) -> Any:
    """Return a mesh of all devices, or of the first ones; of two axes the first one has two."""
    shape = (count,) if len(names) == 1 else (2, count // 2)
    return jax.make_mesh(shape, names, (kind,) * len(names), devices=jax.devices()[:count])


def shard_of(size: int, local: int) -> xa.ClassShard:
    """Return the part of this device, whose number nobody knows before."""
    return xa.ClassShard(
        first=jax.lax.axis_index("classes") * local,
        size=size,
        max=lambda value: jax.lax.pmax(value, "classes"),
        sum=lambda value: jax.lax.psum(value, "classes"),
    )


def sent(compiled: Any) -> list[int]:
    """Return the numbers of elements of the arrays that a compiled program sends."""
    sizes: list[int] = []
    for shapes, _ in COLLECTIVES.findall(compiled.as_text()):
        found = re.findall(r"\[([\d,]*)\]", shapes)
        sizes += [prod(int(n) for n in dims.split(",") if n) for dims in found]
    return sizes


def _divisor(size: int) -> int:
    return max(count for count in range(1, COUNT + 1) if size % count == 0)


def _reduced(function: Any, arrays: dict[str, Any]) -> Any:
    """Return the function, with a gradient that is JAX's own."""
    if getattr(function, "__name__", "") != "loss_and_gradient":
        return function
    module = xa.softmax_xent if arrays["labels"].ndim == 2 else xa.sparse_softmax_xent

    def by_autodiff(*, logits: Any, **given: Any) -> Any:
        def total(logits: Any) -> Any:
            losses = module.loss(logits=logits, **given)
            return losses.astype(jnp.float32).sum(), losses

        slope, losses = jax.grad(total, has_aux=True)(logits)
        return losses, slope

    return by_autodiff


def over_devices(
    function: Callable[..., Any], arrays: dict[str, Any], *, check_vma: bool, **options: Any
) -> Any:
    """Call a function whose classes are spread over as many devices as divide them."""
    if "x" in arrays and arrays["x"].ndim < 2:
        return function(**arrays, **options)
    size = size_of(arrays)
    count = _divisor(size)
    names = list(arrays)

    def part(*values: Any) -> Any:
        given = dict(zip(names, values, strict=True))
        called = _reduced(function, given)
        return called(**given, **options, shard=shard_of(size, size // count))

    specs = tuple(
        P(*(None,) * (v.ndim - 1), "classes") if is_local(n, arrays) else P()
        for n, v in arrays.items()
    )
    shapes = jax.eval_shape(lambda given: function(**given, **options), arrays)
    outs = jax.tree.map(lambda v: P(None, "classes") if v.ndim == 2 else P(), shapes)
    mesh = mesh_of("classes", count=count)
    mapped = jax.shard_map(part, mesh=mesh, in_specs=specs, out_specs=outs, check_vma=check_vma)
    values = [
        jax.device_put(value, NamedSharding(mesh, spec))
        for value, spec in zip(arrays.values(), specs, strict=True)
    ]
    return jax.jit(mapped)(*values)


def reference_values() -> None:
    """Every reference value is one of classes over devices; gradients are those of autodiff."""
    dtypes = ["float32", "float16", "bfloat16"]
    for check_vma in (True, False):
        check_references("jax:x32", dtypes, partial(over_devices, check_vma=check_vma))
    with jax.enable_x64(True):
        check_references("jax", ["float64"], partial(over_devices, check_vma=True))


def _given(*, dense: bool) -> dict[str, Any]:
    random = np.random.default_rng(0)
    rows, classes = 8, 96
    labels = jnp.asarray(random.integers(0, classes, rows)).at[2].set(-100)
    if dense:
        labels = jnp.asarray(random.dirichlet(np.ones(classes), rows), jnp.float32)
    return {
        "logits": jnp.asarray(3.0 * random.normal(size=(rows, classes)), jnp.float32),
        "labels": labels,
        "weights": jnp.asarray(random.uniform(size=rows), jnp.float32),
        "mask": jnp.asarray(random.uniform(size=rows) < 0.8),
        "class_weights": jnp.asarray(random.uniform(size=classes), jnp.float32),
    }


def _specs(*, dense: bool) -> dict[str, Any]:
    both, rows = P("rows", "classes"), P("rows")
    labels = both if dense else rows
    of_rows = {"weights": rows, "mask": rows}
    return {"logits": both, "labels": labels, **of_rows, "class_weights": P("classes")}


def _close(found: Any, wanted: Any, rtol: float = 3e-6) -> None:
    for value, exact in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(np.asarray(value), np.asarray(exact), rtol=rtol, atol=2e-7)


def derivatives() -> None:
    """The derivatives by all arguments are those of the one loss, whatever is checked.

    Rows lie over one axis of the mesh, and classes over the other. Without checks users add up what
    belongs to the class weights, of which each part of the rows has its own derivative.
    """
    for (module, dense, options), kind, check in product(
        families(), (AxisType.Auto, AxisType.Explicit), (True, False)
    ):
        if SMALL and (kind is AxisType.Auto or dense or check or not options["label_smoothing"]):
            continue
        given, specs, mesh = (
            _given(dense=dense),
            _specs(dense=dense),
            mesh_of("rows", "classes", kind=kind),
        )
        names = [name for name in given if given[name].dtype == jnp.float32]

        def part(*values: Any, part_of: Any = (module, options, list(given), names, check)) -> Any:
            module, options, arguments, names, check = part_of
            rest = dict(zip(arguments, values, strict=True))

            def total(floating: Any) -> Any:
                shard = shard_of(96, rest["logits"].shape[-1])
                return module.loss(**rest | floating, **options, shard=shard).sum()

            value, slopes = jax.value_and_grad(total)({name: rest[name] for name in names})
            if not check:
                slopes["class_weights"] = jax.lax.psum(slopes["class_weights"], "rows")
            return jax.lax.psum(value, "rows"), slopes

        ins = tuple(specs[name] for name in given)
        outs = P(), {name: specs[name] for name in names}
        mapped = jax.shard_map(part, mesh=mesh, in_specs=ins, out_specs=outs, check_vma=check)
        with jax.set_mesh(mesh):
            placed = [
                jax.device_put(value, NamedSharding(mesh, specs[name]))
                for name, value in given.items()
            ]
            compiled = jax.jit(mapped).lower(*placed).compile()
            found = jax.jit(mapped)(*placed)

        def whole(floating: Any, of: Any = (module, given, options)) -> Any:
            module, given, options = of
            return module.loss(**given | floating, **options).sum()

        _close(found, jax.value_and_grad(whole)({name: given[name] for name in names}))
        rows = given["weights"].shape[0] // 2
        sums = given["class_weights"].shape[0] // 4  # over the rows, and not over the classes
        assert set(sent(compiled)) <= {1, rows, sums}, sent(compiled)


def weighted_means() -> None:
    """The denominator of a mean has derivatives by weights, class weights and labels, too."""
    mesh = mesh_of("classes")
    for (module, dense, options), check in product(families(), (True, False)):
        given = _given(dense=dense)
        names = [name for name in given if given[name].dtype == jnp.float32]
        specs = {
            name: P(*(None if axis == "rows" else axis for axis in spec))
            for name, spec in _specs(dense=dense).items()
        }

        def mean(floating: Any, rest: Any, shard: Any = None, of: Any = (module, options)) -> Any:
            module, options = of
            return module.loss(**rest | floating, **options, reduction="weighted_mean", shard=shard)

        def part(floating: Any, rest: Any, mean: Any = mean) -> Any:
            shard = shard_of(96, floating["logits"].shape[-1])
            return jax.value_and_grad(mean)(floating, rest, shard)

        floating = {name: given[name] for name in names}
        rest = {name: value for name, value in given.items() if name not in names}
        ins = {name: specs[name] for name in names}, {name: specs[name] for name in rest}
        mapped = jax.shard_map(
            part, mesh=mesh, in_specs=ins, out_specs=(P(), ins[0]), check_vma=check
        )
        _close(jax.jit(mapped)(floating, rest), jax.value_and_grad(mean)(floating, rest), 1e-5)


def what_is_sent() -> None:
    """A loss with its gradient sends three numbers of each row."""
    rows, classes = 6, 64
    mesh = mesh_of("classes")
    x = jax.device_put(jnp.zeros((rows, classes)), NamedSharding(mesh, P(None, "classes")))

    def part(logits: Any) -> Any:
        def total(logits: Any) -> Any:
            labels = jnp.arange(rows)
            shard = shard_of(classes, logits.shape[-1])
            return xa.sparse_softmax_xent.loss(labels=labels, logits=logits, shard=shard).sum()

        return jax.value_and_grad(total)(logits)

    split = P(None, "classes")
    for check in (True, False):
        mapped = jax.shard_map(
            part, mesh=mesh, in_specs=split, out_specs=(P(), split), check_vma=check
        )
        sizes = sent(jax.jit(mapped).lower(x).compile())
        assert sizes == [rows] * 3, sizes


def sharded_arrays() -> None:
    """An array whose classes lie on several devices is one array, and its logits stay there."""
    for (module, dense, options), kind in product(families(), (AxisType.Auto, AxisType.Explicit)):
        if SMALL and (dense or options["label_smoothing"]):
            continue
        given, specs, mesh = (
            _given(dense=dense),
            _specs(dense=dense),
            mesh_of("rows", "classes", kind=kind),
        )

        def loss(logits: Any, rest: Any, module: Any = module, options: Any = options) -> Any:
            return module.loss(logits=logits, **rest, **options, reduction="weighted_mean")

        def call(logits: Any, rest: Any, module: Any = module, options: Any = options) -> Any:
            slopes = module.gradient_and_hessian(logits=logits, **rest, **options)
            return jax.value_and_grad(loss)(logits, rest), slopes

        with jax.set_mesh(mesh):
            placed = {
                name: jax.device_put(value, NamedSharding(mesh, specs[name]))
                for name, value in given.items()
            }
            logits = placed.pop("logits")
            compiled = jax.jit(call).lower(logits, placed).compile()
            found = jax.jit(call)(logits, placed)
        rest = dict(given)
        _close(found, call(rest.pop("logits"), rest))
        most = max(sent(compiled))
        assert most <= 24, sent(compiled)  # a quarter of the logits that a device has


def sharded_batches() -> None:
    """An array whose rows lie on several devices is one array, also line by line."""
    random = np.random.default_rng(0)
    mesh = mesh_of("rows")
    rows = NamedSharding(mesh, P("rows"))
    given: dict[str, Any] = {
        "logits": random.uniform(-5.0, 5.0, (32, 3)).astype("f"),
        "labels": random.integers(0, 2, (32, 3)).astype("f"),
        "mask": random.uniform(size=(32, 3)) < 0.7,
    }

    def mean(logits: Any, rest: Any) -> Any:
        return xa.sigmoid_xent.loss(logits=logits, **rest, reduction="mean")

    with jax.set_mesh(mesh):
        placed = {name: jax.device_put(value, rows) for name, value in given.items()}
        logits = placed.pop("logits")
        exact = xa.sigmoid_xent.loss_and_gradient(**given, reduction="mean")
        for function in (jax.value_and_grad(mean), jax.jit(jax.value_and_grad(mean))):
            value, slope = function(logits, placed)
            assert slope.sharding.is_equivalent_to(rows, 2), slope.sharding
            _close((value, slope), exact)
    elsewhere = jax.device_put(jnp.ones((4, 3)), jax.devices()[1])
    total = xa.softmax_xent.total_weight(labels=elsewhere)
    assert total.devices() == {jax.devices()[1]}  # though nothing of the labels is counted


def parts_of_all_sizes() -> None:
    """Few and many classes on each device hold the bars, whatever primitives serve them.

    Logits are multiples of 1/64, so that their differences are exact. The exact values are those of
    the definition in 80 bits, of which float32 takes 24.
    """
    random = np.random.default_rng(0)
    for local in (1, 2, 3, 4, 12, 40, 300):
        size = COUNT * local
        x = np.round(64.0 * random.uniform(-8.0, 8.0, (40, size))) / 64.0
        y = random.integers(0, size, 40)
        wide = x.astype(np.longdouble)
        rest = np.exp(wide - wide.max(axis=1, keepdims=True))
        p = rest / rest.sum(axis=1, keepdims=True)
        rows = np.arange(40)
        loss = -np.log(p[rows, y])
        slope = p.copy()
        slope[rows, y] = 0.0
        slope[rows, y] = -slope.sum(axis=1)
        dense = np.eye(size, dtype="f")[y]
        for labels, family in ((jnp.asarray(y), xa.sparse_softmax_xent), (dense, xa.softmax_xent)):
            arrays = {"logits": jnp.asarray(x, jnp.float32), "labels": jnp.asarray(labels)}
            found = over_devices(family.loss_and_gradient, arrays, check_vma=True)
            for value, exact in zip(found, (loss, slope), strict=True):
                ulp = np.spacing(np.abs(exact).astype("f")).astype(float)
                normal = np.abs(exact) > 1e-37
                assert (np.abs(np.asarray(value) - exact) / ulp)[normal].max() <= 4.0, local
        found = over_devices(named, {"x": jnp.asarray(x, jnp.float32)}, check_vma=True)
        assert (np.abs(np.asarray(found) - p) / np.spacing(p.astype("f")))[p > 1e-37].max() <= 4.0


def named(*, x: Any, **options: Any) -> Any:
    """Return the softmax of an argument that has a name."""
    return xa.special.softmax(x, **options)


def what_tools_find() -> None:
    """No NaN is made on the way, also where classes are switched off."""
    x, mesh, split = (
        jnp.zeros((3, 16)).at[:, 13:].set(-jnp.inf),
        mesh_of("classes"),
        P(None, "classes"),
    )

    def slope(logits: Any) -> Any:
        def total(logits: Any) -> Any:
            shard = shard_of(16, logits.shape[-1])
            labels = jnp.arange(3)
            return xa.sparse_softmax_xent.loss(labels=labels, logits=logits, shard=shard).sum()

        return jax.grad(total)(logits)

    with jax.debug_nans(True):
        mapped = jax.shard_map(slope, mesh=mesh, in_specs=split, out_specs=split)
        # (Line by line JAX finds the constants that are NaN, too, and then calls itself for ever.)
        assert np.isfinite(np.asarray(jax.jit(mapped)(x))).all()


def long_rows() -> None:
    """No Hessian of logits whose classes lie on several devices gathers them."""
    size, mesh = 16_392, mesh_of("classes")
    x = jax.device_put(jnp.zeros((4, size)), NamedSharding(mesh, P(None, "classes")))
    for module, labels in ((xa.softmax_xent, x), (xa.sparse_softmax_xent, jnp.arange(4))):

        def call(x: Any, labels: Any, module: Any = module) -> Any:
            return module.gradient_and_hessian(labels=labels, logits=x)

        compiled = jax.jit(call).lower(x, labels).compile()
        assert max(sent(compiled)) <= 4 * COUNT, sent(compiled)


def means() -> None:
    """A mean over all devices, with weights, a mask, and a part of which nothing counts."""
    random = np.random.default_rng(0)
    x = jnp.asarray(random.normal(size=(16, 5)), jnp.float32)
    y = jnp.asarray(random.integers(0, 5, 16)).at[2:4].set(-1)
    w, mask = jnp.asarray(random.uniform(size=16), jnp.float32), jnp.arange(16) % 5 != 0
    given = {"labels": y, "weights": w, "mask": mask}

    def total(rest: Any) -> Any:
        kept = xa.sparse_softmax_xent.total_weight(**rest, ignore_index=-1)
        return jax.lax.psum(kept.astype(jnp.float32), "machines")

    def mean(logits: Any, rest: Any, denominator: Any) -> Any:
        return xa.sparse_softmax_xent.loss(
            logits=logits,
            **rest,
            ignore_index=-1,
            reduction="mean",
            denominator=denominator,
        )

    def part(logits: Any, rest: Any) -> Any:
        denominator = total(rest)
        value, slope = jax.value_and_grad(mean)(logits, rest, denominator)
        return jax.lax.psum(value, "machines"), slope

    def exact(logits: Any) -> Any:
        return xa.sparse_softmax_xent.loss(
            logits=logits, **given, ignore_index=-1, reduction="weighted_mean"
        )

    wanted = jax.value_and_grad(exact)(x)
    split, mesh = P("machines"), mesh_of("machines")
    for check in (True,) if SMALL else (True, False):
        mapped = jax.shard_map(
            part, mesh=mesh, in_specs=(split, split), out_specs=(P(), split), check_vma=check
        )
        _close(jax.jit(mapped)(x, given), wanted)
    parts = jax.tree.map(lambda v: v.reshape(COUNT, 2, *v.shape[1:]), (x, given))
    value, slopes = jax.pmap(part, axis_name="machines")(*parts)
    _close((value[0], slopes.reshape(16, 5)), wanted)
    assert not np.asarray(slopes[1]).any()


def what_is_refused() -> None:
    """A second derivative is none, as a part beyond all classes is; a label may be none."""
    mesh, split = mesh_of("classes"), P(None, "classes")
    x, y = jnp.zeros((3, 16)), jnp.asarray([0, 16, -1])

    def on_devices(function: Any, out: Any = split) -> Any:
        mapped = jax.shard_map(function, mesh=mesh, in_specs=split, out_specs=out, check_vma=False)
        return np.asarray(jax.jit(mapped)(x))

    def loss(logits: Any, size: int = 16) -> Any:
        shard = shard_of(size, logits.shape[-1])
        return xa.sparse_softmax_xent.loss(labels=y, logits=logits, shard=shard)

    assert np.isnan(on_devices(loss, P())).tolist() == [False, True, True]
    slopes = on_devices(jax.grad(lambda logits: loss(logits).sum()))
    beside = jax.grad(
        lambda x: (x.sum(), xa.special.softmax(x, shard=shard_of(16, 2))), has_aux=True
    )
    assert (on_devices(lambda x: beside(x)[0]) == 1.0).all()  # nobody differentiates that
    assert np.isnan(slopes).all(axis=-1).tolist() == [False, True, True]
    assert np.isnan(on_devices(partial(loss, size=15), P())).all()
    for wrong, error in (
        (jax.grad(lambda x: jax.grad(lambda x: loss(x).sum())(x).sum()), NotImplementedError),
        (lambda x: jax.jvp(loss, (x,), (x,))[1], TypeError),
        (partial(loss, size=1), ValueError),
    ):
        try:
            on_devices(wrong, P())
        except error:
            continue
        raise AssertionError(error)


def totals_beyond_32_bits() -> None:
    """Without float64 a count has 32 bits, and their sum over devices is taken in float32."""
    each, mesh = 300_000_000, mesh_of("machines")
    labels = jax.jit(
        lambda: jnp.zeros((COUNT * each,), jnp.int8),
        out_shardings=NamedSharding(mesh, P("machines")),
    )()

    def part(labels: Any) -> Any:
        total = xa.sigmoid_xent.total_weight(labels=labels, ignore_index=1)
        return jax.lax.psum(total.astype(jnp.float32), "machines")

    mapped = jax.shard_map(part, mesh=mesh, in_specs=P("machines"), out_specs=P())
    assert float(jax.jit(mapped)(labels)) == COUNT * each
    assert float(xa.sigmoid_xent.total_weight(labels=labels, ignore_index=1)) == COUNT * each


def main() -> None:
    """Run the cases, or a few of them."""
    for case in FEW if SMALL else CASES:
        case()
        sys.stdout.write(f"{case.__name__}\n")


FEW = (derivatives, what_is_sent, sharded_arrays, means, what_is_refused)
CASES = (
    *FEW,
    sharded_batches,
    weighted_means,
    parts_of_all_sizes,
    what_tools_find,
    reference_values,
    long_rows,
    totals_beyond_32_bits,
)


if __name__ == "__main__":
    main()
