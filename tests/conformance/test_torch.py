"""PyTorch: what training code does with a loss."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from helpers.rules import without_rules

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent
from xent_api.testing.suite import Suite

pytestmark = [
    pytest.mark.only("torch"),
    pytest.mark.eager,
    pytest.mark.dtypes("float32"),
    # torch's own, when it first needs a forward-mode derivative
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
]
NAMES = ("logits", "labels", "weights", "pos_weight")


def _operands(suite: Suite, dtype: str) -> dict[str, Any]:
    import torch

    generator = torch.Generator().manual_seed(1)
    shapes = {"logits": (5, 3), "labels": (5, 3), "weights": (3,), "pos_weight": (5, 1)}
    made = {name: torch.rand(shape, generator=generator) for name, shape in shapes.items()}
    made["logits"] = 8.0 * made["logits"] - 4.0
    return {name: suite.array(value.tolist(), dtype) for name, value in made.items()}


def _kind(suite: Suite) -> str:
    return str(suite.target.device).partition(":")[0]


@pytest.mark.dtypes("float64")
@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("name", ["loss", "gradient", "loss_and_gradient", "gradient_and_hessian"])
def test_gradcheck_in_all_operands(suite: Suite, dtype: str, name: str, reduction: str) -> None:
    import torch

    operands = [v.requires_grad_() for v in _operands(suite, dtype).values()]
    mask = torch.arange(15, device=suite.target.device).reshape(5, 3) % 4 != 0

    def function(*values: Any) -> Any:
        given = dict(zip(NAMES, values, strict=True))
        return getattr(sigmoid_xent, name)(
            **given, mask=mask, label_smoothing=0.1, reduction=reduction
        )

    assert torch.autograd.gradcheck(
        function, operands, check_forward_ad=True, check_batched_grad=True
    )
    assert torch.autograd.gradgradcheck(function, operands)


@pytest.mark.dtypes("float64")
def test_mixed_second_derivatives_are_symmetric(suite: Suite, dtype: str) -> None:
    import torch

    operands = tuple(_operands(suite, dtype).values())

    def total(*values: Any) -> Any:
        return sigmoid_xent.loss(**dict(zip(NAMES, values, strict=True)), reduction="sum")

    places = tuple(range(len(NAMES)))
    forward = torch.func.hessian(total, places)(*operands)
    reverse = torch.func.jacrev(torch.func.grad(total, places), places)(*operands)
    for i in places:
        for j in places:
            size_i, size_j = operands[i].numel(), operands[j].numel()
            one, other = forward[i][j].reshape(size_i, size_j), forward[j][i]
            torch.testing.assert_close(one, other.reshape(size_j, size_i).T)
            torch.testing.assert_close(one, reverse[i][j].reshape(size_i, size_j))


@pytest.mark.dtypes("float64")
def test_nested_transformations_are_those_of_the_plain_formula(suite: Suite, dtype: str) -> None:
    """Of any two operands, the denominator included, in any two modes."""
    import torch
    from torch.func import grad, jacfwd, jacrev

    operands = (*_operands(suite, dtype).values(), suite.array(2.5, dtype))

    def total(*values: Any) -> Any:
        given = dict(zip(NAMES, values[:4], strict=True))
        options: dict[str, Any] = {"reduction": "mean", "denominator": values[4]}
        loss, slope = sigmoid_xent.loss_and_gradient(**given, **options)
        return loss.sin() + slope.sin().sum()

    def nested(outer: Any, inner: Any, i: int, j: int) -> Any:
        def first(v: Any) -> Any:
            def second(w: Any) -> Any:
                values = list(operands)
                values[i], values[j] = (v, w) if i != j else (w, w)
                return total(*values)

            return inner(second)(operands[j] if i != j else v).sin().sum()

        return outer(first)(operands[i])

    cases = [
        (outer, inner, i, j)
        for outer in (grad, jacrev, jacfwd)
        for inner in (grad, jacfwd)
        for i in range(5)
        for j in range(5)
    ]
    found = [nested(*case) for case in cases]
    with without_rules("torch"):
        wanted = [nested(*case) for case in cases]
    for case, got, value in zip(cases, found, wanted, strict=True):
        torch.testing.assert_close(got, value, msg=lambda text, case=case: f"{case}: {text}")


@pytest.mark.dtypes("float64")
def test_forward_over_forward_over_reverse(suite: Suite, dtype: str) -> None:
    import torch
    from torch.func import grad, jacfwd

    operands = _operands(suite, dtype)
    labels = operands["labels"]

    def total(x: Any, w: Any) -> Any:
        return sigmoid_xent.loss(labels=labels, logits=x, weights=w, reduction="sum").sin()

    def third(w: Any) -> Any:
        def second(x: Any) -> Any:
            return jacfwd(lambda v: grad(total)(x, v).sin().sum())(w).sin().sum()

        return jacfwd(second)(operands["logits"])

    found = third(operands["weights"])
    with without_rules("torch"):
        wanted = third(operands["weights"])
    torch.testing.assert_close(found, wanted)


def test_outputs_are_differentiated_together(suite: Suite, dtype: str) -> None:
    import torch

    operands = _operands(suite, dtype)
    logits, labels = operands["logits"].requires_grad_(), operands["labels"]
    loss, slope = sigmoid_xent.loss_and_gradient(labels=labels, logits=logits)
    (loss.sum() + 3.0 * slope.sum()).backward()
    first, second = sigmoid_xent.gradient_and_hessian(labels=labels, logits=logits.detach())
    torch.testing.assert_close(logits.grad, first + 3.0 * second)


@pytest.mark.dtypes("float16", "bfloat16")
def test_derivatives_of_narrow_logits_are_rounded_once(suite: Suite, dtype: str) -> None:
    """A small factor in float32 must not be rounded before it meets the derivative."""
    import torch

    logits = suite.array([0.1, 3.0, -7.0, 11.0], dtype).requires_grad_()
    labels = suite.array([0.0, 1.0, 0.0, 1.0], dtype)
    scale = suite.array([1.0, 1.1, 1.2, 1.3], "float32")
    loss = sigmoid_xent.loss(labels=labels, logits=logits)
    (loss * scale).sum().backward()
    wide = sigmoid_xent.gradient(labels=labels.float(), logits=logits.detach().float())
    torch.testing.assert_close(logits.grad, (wide * scale.to(logits.dtype)).to(logits.dtype))
    slope = torch.func.jvp(
        lambda x: sigmoid_xent.loss(labels=labels, logits=x),
        (logits,),
        (torch.ones_like(logits),),
    )[1]
    assert slope.dtype == logits.dtype
    torch.testing.assert_close(slope.detach(), wide.to(logits.dtype))


@pytest.mark.parametrize("denominator", [None, 0.0])
def test_cotangents_that_are_not_finite_do_not_reach_below_the_mask(
    suite: Suite, dtype: str, denominator: float | None
) -> None:
    import torch

    nan = float("nan")
    logits = suite.array([0.5, nan, 2.0], dtype).requires_grad_()
    labels = suite.array([1.0, 0.0, 0.0], dtype)
    mask = suite.array([True, False, True], "bool")
    given = {"labels": labels, "logits": logits, "mask": mask}
    if denominator is None:
        sigmoid_xent.loss(**given).sqrt().sum().backward()  # the root's slope at 0 is infinite
        assert torch.isfinite(logits.grad).all()
    else:
        sigmoid_xent.loss(**given, reduction="mean", denominator=denominator).backward()
        assert logits.grad[[0, 2]].isinf().all()
    assert logits.grad[1] == 0.0


def test_a_traced_module_can_be_saved(suite: Suite, dtype: str, tmp_path: Path) -> None:
    import torch

    labels = suite.array([1.0, 0.0, 0.0], dtype)

    class Mean(torch.nn.Module):  # type: ignore[misc]  # Any where torch is missing
        def forward(self, x: Any) -> Any:
            return sigmoid_xent.loss(labels=labels, logits=x, reduction="mean")

    logits = suite.array([0.5, -1.0, 2.0], dtype).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and warns of every constant
        traced = torch.jit.trace(Mean(), logits)
        torch.jit.save(traced, tmp_path / "mean.pt")
    torch.testing.assert_close(traced(logits), Mean()(logits))


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_nothing_but_the_operands_and_a_gradient_is_saved(
    suite: Suite, dtype: str, reduction: Any
) -> None:
    import torch

    operands = _operands(suite, dtype)
    labels = (operands["labels"] > 0.5).to(torch.int64)
    leaf = operands["logits"].requires_grad_()
    saved: list[Any] = []

    def pack(tensor: Any) -> Any:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = sigmoid_xent.loss(
            labels=labels, logits=leaf, ignore_index=-1, label_smoothing=0.1, reduction=reduction
        )
    full = {tensor.data_ptr() for tensor in saved if tensor.numel() == leaf.numel()}
    made = full - {leaf.data_ptr(), labels.data_ptr()}
    assert len(full) == 2 + len(made)
    assert len(made) == (suite.target.name == "torch:native")
    loss.sum().backward()
    suite.assert_close(
        leaf.grad,
        sigmoid_xent.gradient(
            labels=labels, logits=leaf.detach(), label_smoothing=0.1, reduction=reduction
        ),
        dtype,
    )


def test_compiled_code_is_not_compiled_again_for_new_values(suite: Suite, dtype: str) -> None:
    import torch

    torch.compiler.reset()

    def step(logits: Any, labels: Any, mask: Any) -> Any:
        return sigmoid_xent.loss(
            labels=labels, logits=logits, mask=mask, pos_weight=2.0, reduction="mean"
        )

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    for seed in range(3):
        torch.manual_seed(seed)
        logits = torch.randn(6, 4, device=suite.target.device).requires_grad_()
        labels = torch.rand(6, 4, device=suite.target.device)
        mask = labels > 0.3
        with torch.compiler.set_stance("default" if seed == 0 else "fail_on_recompile"):
            compiled(logits, labels, mask).backward()
        closed = sigmoid_xent.gradient(
            labels=labels, logits=logits.detach(), mask=mask, pos_weight=2.0, reduction="mean"
        )
        suite.assert_close(logits.grad, closed, dtype)


def test_autocast(suite: Suite, dtype: str) -> None:
    """Logits of a linear layer come in bfloat16; labels stay in float32."""
    import torch

    kind = _kind(suite)
    features = torch.randn(8, 5, device=kind)
    layer = torch.nn.Linear(5, 3, device=kind)
    labels = torch.rand(8, 3, device=kind)
    with torch.autocast(kind, dtype=torch.bfloat16):
        logits = layer(features)
        loss = sigmoid_xent.loss(labels=labels, logits=logits, reduction="mean")
        wanted = sigmoid_xent.loss(labels=labels, logits=logits, dtype=torch.bfloat16)
        both = sigmoid_xent.loss_and_gradient(labels=labels, logits=logits)
    assert logits.dtype == wanted.dtype == both[1].dtype == torch.bfloat16
    assert loss.dtype == both[0].dtype == torch.float32
    assert sigmoid_xent.loss(labels=labels, logits=logits).dtype == torch.bfloat16
    loss.backward()
    slope = sigmoid_xent.gradient(labels=labels, logits=logits.detach().float(), reduction="mean")
    torch.testing.assert_close(layer.bias.grad, slope.sum(0), rtol=0.03, atol=1e-3)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_meta_and_fake_tensors_read_no_value(suite: Suite, dtype: str, reduction: Any) -> None:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    def step(**where: Any) -> Any:
        logits = torch.zeros(4, 3, dtype=torch.float16, **where).requires_grad_()
        labels = torch.zeros(4, 3, dtype=torch.int64, **where)
        mask = torch.ones(4, 1, dtype=torch.bool, **where)
        weights = torch.ones(3, **where)
        given = {"labels": labels, "mask": mask, "weights": weights}
        total = sigmoid_xent.total_weight(**given)
        for name in ("gradient", "loss_and_gradient", "gradient_and_hessian"):
            getattr(sigmoid_xent, name)(logits=logits, **given, reduction=reduction)
        loss = sigmoid_xent.loss(
            logits=logits,
            **given,
            ignore_index=-1,
            reduction=reduction,
            **({"denominator": total} if reduction == "mean" else {}),
        )
        loss.sum().backward()
        return loss, logits.grad

    with FakeTensorMode():
        fake = step()
    for loss, slope in (step(device="meta"), fake):
        assert loss.shape == ((4, 3) if reduction == "none" else ())
        assert (loss.dtype, slope.dtype) == (torch.float16, torch.float16)
        assert slope.shape == (4, 3)


def test_no_synchronisation_on_a_gpu(suite: Suite, dtype: str) -> None:
    import torch

    if _kind(suite) != "cuda":
        pytest.skip("the CPU has nothing to wait for")
    operands = _operands(suite, dtype)
    mask = operands["labels"] > 0.5
    torch.cuda.set_sync_debug_mode("error")
    try:
        logits = operands.pop("logits").requires_grad_()
        loss = sigmoid_xent.loss(**operands, logits=logits, mask=mask, reduction="mean")
        loss.backward()
        sigmoid_xent.total_weight(labels=operands["labels"], mask=mask, ignore_index=0.5)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_tensor_that_is_both_labels_and_logits(suite: Suite, dtype: str) -> None:
    import torch

    both = suite.array([0.25, 0.5, 1.0], dtype).requires_grad_()
    sigmoid_xent.loss(labels=both, logits=both, reduction="sum").backward()
    apart = both.detach()
    exact = sigmoid_xent.gradient(labels=apart, logits=apart) - apart
    torch.testing.assert_close(both.grad, exact)


def test_sparse_and_nested_tensors_are_refused(suite: Suite) -> None:
    import torch

    logits = torch.zeros(2, 3, device=suite.target.device)
    with pytest.raises(
        TypeError, match=r"`labels` must be a dense tensor; got layout .*sparse_coo"
    ):
        sigmoid_xent.loss(labels=logits.to_sparse(), logits=logits)
    with warnings.catch_warnings(action="ignore"):  # nested tensors are a prototype
        nested = torch.nested.nested_tensor([logits[0], logits[1, :2]])
    with pytest.raises(TypeError, match="`logits` must be a dense tensor; got a nested one"):
        sigmoid_xent.loss(labels=logits, logits=nested)


def test_rows_under_checkpoint(suite: Suite, dtype: str) -> None:
    """What is saved is unpacked once, as non-reentrant checkpoints want it."""
    import torch
    from torch.utils.checkpoint import checkpoint

    y = torch.arange(3000, device=suite.target.device) % 4
    x = torch.linspace(-3.0, 3.0, 12_000, dtype=getattr(torch, dtype), device=y.device)

    def mean(v: Any) -> Any:
        return sparse_softmax_xent.loss(labels=y, logits=v, reduction="mean")

    one, other = (x.reshape(3000, 4).clone().requires_grad_() for _ in range(2))
    mean(one).backward()
    checkpoint(mean, other, use_reentrant=False).backward()
    assert torch.equal(one.grad, other.grad)


@pytest.mark.dtypes("float64")
@pytest.mark.parametrize("classes", [64, 1000])
def test_second_derivatives_of_long_rows(suite: Suite, dtype: str, classes: int) -> None:
    """The errors of a sum in two parts cancel in its derivative."""
    import torch

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, classes, dtype=torch.float64, generator=generator).to(suite.target.device)
    v = torch.randn(4, classes, dtype=torch.float64, generator=generator).to(x.device)
    z = torch.softmax(torch.flip(x, (1,)), 1)
    leaf = x.clone().requires_grad_()
    slope = softmax_xent.gradient(labels=z, logits=leaf)
    (found,) = torch.autograd.grad((slope * v).sum(), leaf)
    p, w = torch.softmax(x, 1), v
    exact = z.sum(1, keepdim=True) * p * (w - (p * w).sum(1, keepdim=True))
    error = (found - exact).abs().amax(1) / exact.abs().amax(1)
    assert error.max() <= 40 * torch.finfo(torch.float64).eps


@pytest.mark.parametrize("axis", [0, 1])
def test_derivatives_have_the_layout_of_the_logits(suite: Suite, dtype: str, axis: int) -> None:
    import torch

    x = suite.array([[[0.5, -1.0, 2.0, 0.0]] * 3] * 2, dtype)
    y = torch.zeros(tuple(n for i, n in enumerate(x.shape) if i != axis), dtype=torch.int64)
    given = {"labels": y.to(x.device), "logits": x, "axis": axis}
    for smoothing in (0.0, 0.1):
        for value in (
            sparse_softmax_xent.gradient(**given, label_smoothing=smoothing),
            *sparse_softmax_xent.gradient_and_hessian(**given, label_smoothing=smoothing),
        ):
            assert value.stride() == x.stride()


def test_the_first_call_of_all_may_be_transformed(suite: Suite, dtype: str) -> None:
    """What is found out once must not be found out of what a transformation has wrapped."""
    if suite.target.name != "torch":
        pytest.skip("a process of its own is the same for all")
    script = (
        "import torch, xent_api as xa\n"
        "x = torch.zeros(2, 3)\n"
        "loss = lambda x: xa.sparse_softmax_xent.loss(\n"
        "    labels=torch.tensor([0, 1]), logits=x, reduction='mean')\n"
        "print(torch.func.grad(loss)(x).shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "torch.Size([2, 3])", done.stderr
