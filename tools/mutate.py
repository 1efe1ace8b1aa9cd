"""Change the package on purpose, one place at a time, and see that the conformance suite notices.

    python tools/mutate.py --backend numpy --backend torch

Each mutation is applied to a copy of the sources, which a run of the suite then imports instead of
the installed package. A mutation that changes no test's outcome is a hole in the suite: the exit
status is then 1.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Mutation(NamedTuple):
    """One change of one line."""

    name: str
    file: str
    old: str
    new: str
    only: frozenset[str] = frozenset()
    """The backends on which it changes a number, where that is not all of them."""


SIGMOID, MASKING, PROGRAM = "_math/sigmoid.py", "_math/masking.py", "_math/program.py"
SOFTMAX, SUMS = "_math/softmax.py", "_math/sums.py"
ELEMENTARY, NATIVE = "_math/elementary.py", frozenset({"numpy:native"})
SPECIAL, SHARD = "_math/special.py", "_math/shard.py"
OPS, OPTIONS, DTYPES = "_math/ops.py", "_checks/options.py", "_checks/dtypes.py"
AUTODIFF = frozenset({"torch", "jax", "mlx"})
RULES = frozenset({"torch", "jax"})
TILED = frozenset({"numpy"})
ROWS, TENSORS = "_graph/codegen/rows.py", frozenset({"torch:native"})
CONTROL = Mutation("nothing changed", SIGMOID, "b = ops.astype(", "b = ops.astype(")
MUTATIONS = (
    Mutation(
        "gradient as sigmoid(x) - z",
        SIGMOID,
        "t.coefficients * tail) - t.residual",
        "t.coefficients * tail) - t.residual + 1.0 - 1.0",
    ),
    Mutation(
        "the linear term as x - x*z",
        OPS,
        "factor * value) - x * y",
        "factor * value) + (x - x * (1.0 + y))",
    ),
    Mutation("log for log1p", OPS, "value = self.log1p_unit(e)", "value = self.log(1.0 + e)"),
    Mutation(
        "abs for the signed step",
        OPS,
        "return self.exp(sign * x)",
        "return self.exp(-self.abs(x))",
        only=frozenset({"torch", "mlx"}),  # JAX's rules know all derivatives that meet x = 0
    ),
    Mutation(
        "Hessian as p*(1 - p)",
        SIGMOID,
        "    curvature = t.decay / (1.0 + t.decay * (2.0 + t.decay))",
        "    curvature = (1.0 / (1.0 + t.decay)) * (1.0 - 1.0 / (1.0 + t.decay))",
    ),
    Mutation("Hessian blind to NaN labels", SIGMOID, "curvature + (z - z)", "curvature"),
    Mutation(
        "no guard of inf*0",
        SIGMOID,
        "    x = ops.for_product(x, t.residual)\n",
        "",
    ),
    Mutation(
        "guard wherever the residual is 0",
        SIGMOID,
        "ops.for_product(x, t.residual)",
        "ops.where(t.residual == 0.0, 0.0, x)",
        only=AUTODIFF,
    ),
    Mutation(
        "derivative in the labels blind to pos_weight",
        SIGMOID,
        "coefficients = (1.0 - smoothing) * (q - 1.0)",
        "coefficients = 0.0",
        only=RULES,
    ),
    Mutation(
        "derivative in pos_weight of the other term",
        SIGMOID,
        "Terms((1.0 - b) * positive",
        "Terms(-b * positive",
        only=RULES,
    ),
    Mutation(
        "derivative in the weights times the weights",
        PROGRAM,
        'if self.wrt != "weights":',
        'if self.wrt != "nothing":',
        only=RULES,
    ),
    Mutation(
        "derivative of the gradient: the gradient",
        PROGRAM,
        '"gradient": "hessian"}',
        '"gradient": "gradient"}',
        only=RULES,
    ),
    Mutation("x > 0 for x >= 0 with s", SIGMOID, "s = 1.0 - 2.0 * b", "s = 2.0 * b - 1.0"),
    Mutation("smoothing towards 0", SIGMOID, "+ s * (0.5 * smoothing)", "+ s * (0.4 * smoothing)"),
    Mutation(
        "pos_weight on both terms",
        SIGMOID,
        "factor = b + (1.0 - b) * pos_weight",
        "factor = pos_weight",
    ),
    Mutation(
        "pos_weight not in A + B",
        SIGMOID,
        "total = (1.0 - z) + pos_weight * z",
        "total = z - z + 1.0",
    ),
    Mutation(
        "weights on the residual only",
        SIGMOID,
        "coefficients = weights if t.coefficients is None else",
        "coefficients = 1.0 if t.coefficients is None else",
    ),
    Mutation(
        "mask inverted",
        MASKING,
        "        return mask\n",
        "        return None if mask is None else ~mask\n",
    ),
    Mutation(
        "mask not applied to results",
        PROGRAM,
        "ops.cast(select(ops, keep, found[name], 0.0), dtype)",
        "ops.cast(found[name], dtype)",
    ),
    Mutation(
        "mask by multiplication",
        MASKING,
        "ops.where(keep, value, otherwise)",
        "value * ops.astype(keep, value.dtype)",
    ),
    Mutation("mask or ignore", MASKING, "mask & match", "mask | match"),
    Mutation("NaN labels not ignored", MASKING, "~ops.isnan(labels)", "labels == labels + 1"),
    Mutation(
        "denominator of a mean: the mask not counted",
        "_engine/plan.py",
        'optional = ("mask", "weights") if weighted else ("mask",)',
        'optional = ("weights",) if weighted else ()',
    ),
    Mutation("0/0 is NaN", OPS, "self.where(empty, 1.0, denominator)", "denominator"),
    Mutation(
        "sums in the dtype computed in",
        "_backends/base.py",
        "self.xp.sum(value, dtype=dtype)",
        "self.xp.astype(self.xp.sum(value), dtype)",
        # PyTorch and JAX add up in their own ways, and mparray does not round to a dtype.
        only=frozenset({"numpy", "array_api_strict", "dask", "mlx", "ndonnx"}),
    ),
    Mutation(
        "sums in the dtype computed in, on PyTorch",
        "_backends/torch/eager.py",
        "value.sum(dtype=dtype)",
        "value.sum().to(dtype)",
        only=frozenset({"torch"}),
    ),
    Mutation(
        "log1p in arithmetic: a coefficient",
        "_math/log1p.py",
        "5.963662624359131",
        "5.9637",
        only=frozenset({"numpy", "torch", "jax"}),
    ),
    Mutation(
        "few classes on JAX: the label's neighbour",
        "_backends/jax/ops.py",
        "enumerate(others, start=1)",
        "enumerate(others, start=2)",
        only=frozenset({"jax"}),
    ),
    Mutation(
        "infinities are looked for at the first element",
        "_backends/numpy/kernels.py",
        "if not infinite.size or not infinite.item(infinite.argmax()):",
        "if not infinite.size or not infinite.item(0):",
        only=frozenset({"numpy"}),
    ),
    Mutation(
        "sums in the dtype computed in, on JAX",
        "_backends/jax/__init__.py",
        "return self.xp.sum(value, dtype=dtype)",
        "return self.xp.asarray(self.xp.sum(value), dtype=dtype)",
        only=frozenset({"jax"}),
    ),
    Mutation(
        "narrow floats computed as they are",
        DTYPES,
        'return "float64" if name == "float64" else "float32"',
        "return name",
    ),
    Mutation(
        "ignored floats not rounded",
        DTYPES,
        '    if name == "float64" or value == 0.0',
        "    if name or value == 0.0",
    ),
    Mutation(
        "integers beyond the dtype wrap around",
        OPTIONS,
        "return value if low <= value <= high else None",
        "return low + (value - low) % (high - low + 1)",
    ),
    Mutation(
        "scratch memory: what a choice returns is written over",
        "_graph/buffers.py",
        "        if index in self._same:\n",
        "        if index in self._same and index < 0:\n",
        only=TILED,
    ),
    Mutation(
        "scratch memory: a choice writes over its operands",
        "_graph/buffers.py",
        "        if node.op not in CHOICES:\n",
        "        if node.op:\n",
        only=TILED,
    ),
    Mutation(
        "tiles: the number that stands elsewhere",
        "_graph/kernels.py",
        "xp.bitwise_xor(source, pattern, out=out)",
        "out[...] = source",
        only=TILED,
    ),
    Mutation(
        "softmax: gradient at the label as p - 1",
        SOFTMAX,
        "return -z * n",
        "return p - z * (p + n)",
    ),
    Mutation(
        "softmax: gradient at soft labels as p*Z - z",
        SOFTMAX,
        "return p * remaining - z * n",
        "return p * (remaining + z) - z * (p + n)",
    ),
    Mutation(
        "softmax: gradient at the label with the other sign",
        "_backends/jax/ops.py",
        "return x * at.marker - value * (at.marker - 1.0)",
        "return x * at.marker + value * (at.marker - 1.0)",
        only=frozenset({"jax"}),
    ),
    Mutation(
        "softmax: the label's number with the other sign",
        OPS,
        "return self.where(at.marker, x, value)",
        "return self.where(at.marker, x, -value)",
        only=frozenset({"array_api_strict", "jax"}),
    ),
    Mutation(
        "rows in tiles: the label's number with the other sign",
        "_backends/numpy/kernels.py",
        "out.reshape(-1)[index] = value",
        "out.reshape(-1)[index] = -value",
        only=frozenset({"numpy"}),
    ),
    Mutation(
        "softmax: 1 - p as it stands",
        SOFTMAX,
        "return (_narrow(ops, t, factor) - p) + _narrow(ops, t, t.r * factor)",
        "return (_narrow(ops, t, factor) + _narrow(ops, t, t.r * factor)) - p",
    ),
    Mutation(
        "softmax: log for log1p",
        SOFTMAX,
        "softplus = ops.log1p_rest(t.r, t.rows.size, t.rows.compute)\n",
        "softplus = ops.log1p_rest((1.0 + t.r) - 1.0, t.rows.size, t.rows.compute)\n",
    ),
    Mutation(
        "softmax: no guard of classes that are switched off",
        SOFTMAX,
        "ops.product_or_zero(t.labels, u)",
        "t.labels * u",
    ),
    Mutation(
        "softmax: no guard of rows without weight",
        SOFTMAX,
        "ops.zero_if_infinite(value, weights) * weights",
        "value * weights",
    ),
    Mutation(
        "softmax: smoothing over one class more",
        SOFTMAX,
        "ops.cast(total, rows.compute) * (rows.smoothing / rows.size)",
        "ops.cast(total, rows.compute) * (rows.smoothing / (rows.size + 1))",
    ),
    Mutation(
        "softmax: smoothing of class indices over one class more",
        SOFTMAX,
        "ops.row_sum(u, wide) * (smoothing / size)",
        "ops.row_sum(u, wide) * (smoothing / (size + 1))",
    ),
    Mutation(
        "softmax: weights not in the derivatives",
        SOFTMAX,
        "    value = value if t.weights is None else value * t.weights\n",
        "",
    ),
    Mutation(
        "softmax: the Hessian of the largest logit as of all others",
        SOFTMAX,
        "ops.minimum(t.e, (1.0 - t.e) + _narrow(ops, t, r))",
        "t.e",
    ),
    Mutation(
        "softmax: the Hessian without what its factor was rounded by",
        SOFTMAX,
        "value - (value * (smaller * share) - smaller * error)",
        "value - value * (smaller * share)",
        only=frozenset({"numpy"}),
    ),
    Mutation(
        "JAX: what a whole number of parts leaves of a row",
        "_backends/jax/ops.py",
        "x = self.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -size % count)])",
        "x = x[..., : size - size % count]",
        only=frozenset({"jax"}),
    ),
    Mutation(
        "softmax: the sum of all but one as the sum less one",
        SUMS,
        "return ops.row_sum(e - ones, wide) + (count - 1.0)",
        "return ops.row_sum(e, wide) - 1.0",
    ),
    Mutation(
        "softmax: ties counted once",
        SUMS,
        "return ops.row_sum(e - ones, wide) + (count - 1.0)",
        "return ops.row_sum(e - ones, wide) + 0.0 * count",
    ),
    Mutation(
        "sums: what is left is left out",
        SUMS,
        "((high - known) + low)",
        "(high - known)",
    ),
    Mutation(
        "sums: the library's own",
        SUMS,
        "        total = total + ((high - known) + low)\n",
        "",
        only=frozenset({"numpy", "torch", "jax", "array_api_strict", "dask"}),
    ),
    Mutation(
        "sums: infinities have errors",
        SUMS,
        "value, known = ops.where(finite, value, 0.0), ops.where(finite, total, 0.0)",
        "known = total",
    ),
    Mutation(
        "sums: of arrays, without the errors",
        SUMS,
        "value if error is None else value + error",
        "value",
        only=frozenset({"jax"}),
    ),
    Mutation(
        "softmax: a number beyond the classes is the last one",
        SOFTMAX,
        "(labels >= 0) & (labels < size)",
        "labels >= 0",
    ),
    Mutation(
        "softmax: the derivative in the labels without the sum",
        SOFTMAX,
        "slope = softplus - _averaged(ops, t, u)",
        "slope = softplus * 0.0 - _averaged(ops, t, u)",
        only=RULES,
    ),
    Mutation(
        "softmax: a variable where a constant keeps the digits",
        SOFTMAX,
        "at_label(m) if rows.of_loss else ~at_label(m)",
        "~at_label(m) if rows.of_loss else at_label(m)",
        only=frozenset({"torch", "mlx"}),
    ),
    Mutation(
        "softmax: axes not put back",
        "_engine/rows.py",
        "backend.xp.moveaxis(value, -1, axis)",
        "value",
    ),
    Mutation(
        "rows in tiles: confident ones added up with the 1",
        SUMS,
        "MIN_SUM_BESIDE_1 = 2.0**-10",
        "MIN_SUM_BESIDE_1 = 0.0",
        only=TILED,
    ),
    Mutation(
        "rows in tiles: added up in float32",
        "_backends/numpy/kernels.py",
        'np.einsum("ij->i", value, dtype=out.dtype, out=out[:, 0])',
        'out[:, 0] = np.einsum("ij->i", value)',
        only=frozenset({"numpy"}),
    ),
    Mutation(
        "tensors: the gradient of the forward pass not scaled",
        "_backends/torch/native.py",
        "torch.mul(gradient, factor, out=None if keep else gradient)",
        "gradient.clone()",
        only=TENSORS,
    ),
    Mutation(
        "tensors: the gradient of the forward pass written over, whoever needs it",
        "_backends/torch/native.py",
        "out=None if keep else gradient",
        "out=gradient",
        only=TENSORS,
    ),
    Mutation(
        "rows in tiles: the label is not left out",
        "_backends/numpy/kernels.py",
        "    out.reshape(-1)[index] = 0.0\n",
        "",
        only=frozenset({"numpy"}),
    ),
    Mutation(
        "plans: weights of -0.0 taken for 0.0",
        "_engine/call.py",
        "value.hex() if kind is float else value",
        "value",
        only=frozenset({"numpy"}),
    ),
    Mutation(
        "kernels: the logarithm of 2 in float32",
        ELEMENTARY,
        "LN2 = 0.6931471805599453",
        "LN2 = 0.693147182464599609375",
        only=NATIVE,
    ),
    Mutation(
        "kernels: the logarithm of 2 in one part",
        ELEMENTARY,
        "0.6931471803691238, 1.9082149292705877e-10",
        "0.6931471805599453, 0.0",
        only=NATIVE,
    ),
    Mutation(
        "kernels: exp of numbers that are too low",
        ELEMENTARY,
        "x = ops.at_least(x, LOWEST_SINGLE)",
        "pass",
        only=NATIVE,
    ),
    Mutation(
        "kernels: quotients that are not corrected",
        ELEMENTARY,
        "return ops.fma(missing, reciprocal, q)",
        "return q",
        only=NATIVE,
    ),
    Mutation(
        "kernels: a subnormal exp is rounded twice",
        ELEMENTARY,
        "tiny = x < SUBNORMAL",
        "tiny = x < LOWEST_DOUBLE",
        only=NATIVE,
    ),
    Mutation(
        "kernels: half precision is cut",
        "_graph/codegen/memory.py",
        'half = to.binary("add", bits, (1 << (places - 1)) - 1)',
        "half = bits",
        only=NATIVE,
    ),
    Mutation(
        "kernels: sums of what is no element",
        "_graph/codegen/emit.py",
        "select {live}, {value}, {NOTHING}",
        "select {live}, {value}, {value}",
        only=NATIVE,
    ),
    Mutation(
        "kernels: the last few elements are left out",
        "_graph/codegen/module.py",
        "+ (few > 0)",
        "+ (few > LANES)",
        only=NATIVE,
    ),
    Mutation(
        "kernels: steps are not looked at",
        "_backends/numpy/memory.py",
        "if not array.flags.c_contiguous:\n            contiguous = False",
        "if not array.flags.c_contiguous:\n            pass",
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: what was in the vector before counts again",
        ROWS,
        "return self.code.select(self.fresh, value, -0.0)",
        "return value",
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: lanes beyond the last row count",
        ROWS,
        "live = code.select(self.memory.live, value, -0.0)",
        "live = value",
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: a label that is no class is looked up",
        "_graph/codegen/strided.py",
        'label = code.select(code.compare("slt", label, none), none, label)',
        "label = label",
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: the neighbour of the label",
        ROWS,
        'place = code.binary("sub", self.values[node.args[0]], at)',
        'place = code.binary("sub", code.binary("add", self.values[node.args[0]], 1), at)',
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: differences of float64 rounded",
        "_graph/codegen/ops.py",
        "rest = self.rest.get(x.index)",
        "rest = None",
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: sums of float64 rounded",
        "_graph/codegen/ops.py",
        '"sum" if self.single else "exact_sum"',
        '"sum"',
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: confident ones added up with the 1",
        "_graph/codegen/ops.py",
        "rest = self.row_sum(self.where(is_one, 0.0, e), dtype)\n"
        '        return cast("Proxy", rest + (count - 1.0))',
        'return cast("Proxy", self.row_sum(e, dtype) - 1.0)',
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: the logarithm by the sum",
        ELEMENTARY,
        "rest = r - (power - 1.0)",
        "rest = (1.0 + r) - power",
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: axes merged that do not follow each other",
        "_graph/codegen/arrange.py",
        "if found and found[-1].steps == tuple([step * size for step in steps]):",
        "if found:",
        only=NATIVE,
    ),
    Mutation(
        "kernels of rows: what lies outside of two axes",
        "_graph/codegen/arrange.py",
        "offset - place * self.outer.size * steps[0]",
        "-place * self.outer.size * steps[0]",
        only=NATIVE,
    ),
    Mutation(
        "tensors: the gradient of the forward pass kept and changed",
        "_backends/torch/native.py",
        "return gradient.clone() if keep else gradient",
        "return gradient",
        only=TENSORS,
    ),
    Mutation(
        "tensors: the negative of their memory taken for it",
        "_backends/torch/eager.py",
        "if value.is_neg():",
        "if value is None:",
        only=TENSORS,
    ),
    Mutation(
        "tensors: what is watched is computed by kernels",
        "_backends/torch/eager.py",
        "return within or is_in_torch_dispatch_mode()",
        "return False",
        only=TENSORS,
    ),
    Mutation(
        "tensors: a cotangent of a mean not divided",
        "_backends/torch/native.py",
        "divided(OPS, value.to(torch.float64), number)",
        "value.to(torch.float64)",
        only=TENSORS,
    ),
    Mutation(
        "tensors: derivatives in other operands forgotten beside that in the logits",
        "_backends/torch/native.py",
        'self.early = tuple([name == "logits" for name in program.operands])',
        "self.early = tuple([spec is not None for spec in specs])",
        only=TENSORS,
    ),
    Mutation(
        "class weights: not on the labels",
        SOFTMAX,
        "        weighted = z * class_weights\n",
        "        weighted = z\n",
    ),
    Mutation(
        "class weights: before smoothing",
        SOFTMAX,
        "            labels = labels * class_weights\n",
        "            labels = _smoothed(ops, rows, weighted, mass)\n",
    ),
    Mutation(
        "class weights: the mass without smoothing",
        SOFTMAX,
        "            mass = ops.mixture(mass, spread, rows.smoothing)\n",
        "",
    ),
    Mutation(
        "class weights: the mean of one class more",
        SOFTMAX,
        "ops.row_sum(class_weights, rows.wide) / rows.size",
        "ops.row_sum(class_weights, rows.wide) / (rows.size + 1)",
    ),
    Mutation(
        "class weights: the mixture the other way round",
        OPS,
        "return other + (one - other) * (1.0 - share)",
        "return one + (other - one) * (1.0 - share)",
    ),
    Mutation(
        "class weights: a mixture that loses the smaller part",
        OPS,
        "        if share <= 0.5:\n",
        "        if share <= 1.0:\n",
        only=frozenset({"numpy", "torch", "array_api_strict"}),
    ),
    Mutation(
        "class weights: kernels mix the other way round",
        "_graph/codegen/ops.py",
        'self.fma(other, cast("Proxy", share), self.fma(one, -share, one))',
        'self.fma(one, cast("Proxy", share), self.fma(other, -share, other))',
        only=NATIVE,
    ),
    Mutation(
        "class weights: that of the label forgotten beside other weights",
        SOFTMAX,
        "w, weight = weight if w is None else w * weight, None",
        "w, weight = weight if w is None else w, None",
    ),
    Mutation(
        "class weights: no guard of classes that are switched off",
        SOFTMAX,
        "        u = ops.product_or_zero(t.class_weights, u)\n",
        "        u = t.class_weights * u\n",
    ),
    Mutation(
        "class weights: no guard of a label that is switched off",
        SOFTMAX,
        "kept = ops.product_or_zero(label.weight * (1.0 - smoothing), label.u)",
        "kept = label.weight * (1.0 - smoothing) * label.u",
    ),
    Mutation(
        "class weights: the remaining mass of a class without its weight",
        SOFTMAX,
        "        each = share, _narrow(ops, t, t.mass) - share\n",
        "        each = share, 1.0 - share\n",
    ),
    Mutation(
        "class weights: a mean that is divided by 0 as others are",
        PROGRAM,
        'return bool(self.smoothing) and "class_weights" in self.operands',
        "return False",
    ),
    Mutation(
        "class weights: the sum of exponentials with the label's 1 in it",
        SOFTMAX,
        "            r = ops.sum_excluding_max(e, rows.wide) * defined\n",
        "",
    ),
    Mutation(
        "weighted mean: a total of 0 as a divisor",
        "_engine/plan.py",
        'if "denominator" in program.operands and not last:',
        'if "denominator" in program.operands and counter.program.counts:',
        only=RULES,
    ),
    Mutation(
        "class weights: a label that is no class weighs as another one",
        SOFTMAX,
        "    value = ops.where(_is_class_or_left_out(labels, rows.size, keep), value, nan)\n",
        "",
    ),
    Mutation(
        "class weights: the total without the other weights",
        SOFTMAX,
        "    value = ops.row_sum(z * class_weights, rows.wide)\n",
        "    value, weights = ops.row_sum(z * class_weights, rows.wide), None\n",
    ),
    Mutation(
        "class weights: their derivative with themselves in it",
        PROGRAM,
        'for name in ("weights", "class_weights")',
        'for name in ("weights",)] + [values.get(name) for name in ("class_weights",)',
        only=RULES,
    ),
    Mutation(
        "class weights: their derivative without smoothing",
        SOFTMAX,
        "        at_label = at_label * ((1.0 - smoothing) + smoothing / size)\n",
        "",
        only=RULES,
    ),
    Mutation(
        "class weights: the derivative in the labels without them",
        SOFTMAX,
        "_averaged(ops, t, ops.product_or_zero(t.class_weights, softplus - u))",
        "_averaged(ops, t, softplus - u)",
        only=RULES,
    ),
    Mutation(
        "class weights: looked up one class further",
        "_backends/numpy/kernels.py",
        'np.take(values.reshape(-1), labels, mode="clip", out=out)',
        'np.take(values.reshape(-1), labels + 1, mode="clip", out=out)',
        only=TILED,
    ),
    Mutation(
        "weighted mean: divided by the number",
        "_engine/plan.py",
        'weighted = reduction == "weighted_mean"',
        "weighted = False",
    ),
    Mutation(
        "weighted mean: a weight that is a number forgotten",
        "_engine/plan.py",
        'weight = numbers.get("weights") if weighted else None',
        "weight = None",
    ),
    Mutation(
        "probabilities: 1 - the tail as its own",
        SIGMOID,
        "return (0.5 - 0.5 * t.sign) + t.sign * ops.over_one_plus(t.decay)",
        "return 1.0 - ops.over_one_plus(1.0 / t.decay) * t.decay",
    ),
    Mutation(
        "probabilities: divided as the gradient is",
        "_engine/plan.py",
        'not add and name != "probabilities"',
        "not add",
    ),
    Mutation(
        "probabilities: those of class indices with the label's number once more",
        SOFTMAX,
        "t.e * _narrow(ops, t, 1.0 / ops.row_sum(t.e, t.rows.wide))",
        "t.e * _narrow(ops, t, 1.0 / t.partition)",
    ),
    Mutation(
        "product: the mean without the vector",
        SOFTMAX,
        "mean = ops.row_sum(t.e * vector, t.rows.wide) / t.partition",
        "mean = ops.row_sum(t.e, t.rows.wide) / t.partition",
    ),
    Mutation(
        "product: without the mass",
        SOFTMAX,
        "factor = _factor(ops, t, t.mass, t.partition)\n    mean",
        "factor = _factor(ops, t, None, t.partition)\n    mean",
    ),
    Mutation(
        "product: what stands at ignored positions",
        PROGRAM,
        '    "vector": 0.0,\n',
        "",
    ),
    Mutation(
        "dtype: a loss is rounded to that of the logits",
        "_engine/plan.py",
        'inputs.dtype if name == "loss" else logits.dtype',
        "logits.dtype",
    ),
    Mutation(
        "dtype: autocast not looked at",
        "_backends/torch/__init__.py",
        "return torch.float32 if _is_autocast(logits) else logits.dtype",
        "return logits.dtype",
        only=frozenset({"torch", "torch:native"}),
    ),
    Mutation(
        "special: log_softmax as the logarithm of the softmax",
        SPECIAL,
        "    return u - ops.cast(softplus, program.compute)\n",
        "    return ops.log1p(e * ops.cast(1.0 / (1.0 + r), program.compute) - 1.0)\n",
        only=frozenset({"array_api_strict", "jax", "mlx", "torch"}),
    ),
    Mutation(
        "special: logsumexp without the maximum's own digits",
        SPECIAL,
        "        return ops.cast(m, program.wide) + softplus\n",
        "        return softplus\n",
    ),
    Mutation(
        "special: rows of -inf",
        SPECIAL,
        "        r = ops.where(r < 0.0, 0.0, r)\n",
        "        pass\n",
        only=frozenset({"torch", "jax", "numpy:native"}),
    ),
    Mutation(
        "special: +inf beside others",
        SPECIAL,
        "        x = ops.where(x == inf, program.largest, x)\n",
        "",
    ),
    Mutation(
        "special: softplus for log_sigmoid",
        SPECIAL,
        "return -sigmoid.loss(ops, x, sigmoid.terms(ops, x, 1.0))",
        "return -sigmoid.loss(ops, x, sigmoid.terms(ops, x, 0.0))",
    ),
    Mutation(
        "special: the cotangent of a softmax without its mean",
        SPECIAL,
        "return slope * (cotangent - ops.plain_row_sum(slope * cotangent, slope.dtype))",
        "return slope * cotangent",
        only=frozenset({"torch"}),
    ),
    Mutation(
        "special: the tangent of a logarithm without its mean",
        SPECIAL,
        'return tangent - mean if self.outputs[0] == "log_softmax"',
        'return tangent if self.outputs[0] == "log_softmax"',
        only=frozenset({"jax"}),
    ),
    Mutation(
        "shard: the maximum of the part",
        SHARD,
        'return self._sent("max", self._ops.row_max(x))',
        "return self._ops.row_max(x)",
    ),
    Mutation(
        "shard: labels are numbers of local classes",
        SHARD,
        "self._ops.place(classes, labels - first, dtype)",
        "self._ops.place(classes, labels, dtype)",
    ),
    Mutation(
        "shard: the logit of another device's label",
        SHARD,
        "self._ops.where(is_local, take(x, at), 0.0)",
        "take(x, at)",
    ),
    Mutation(
        "shard: local classes are all",
        "_engine/plan.py",
        "size: int = logits.shape[-1] if inputs.shard is None else inputs.shard.size",
        "size: int = logits.shape[-1]",
    ),
    Mutation(
        "shard: a first class beyond all of them",
        SHARD,
        "return (self._first >= 0) & (self._first <= self._last)",
        "return self._first >= 0",
    ),
)


SUITE = [
    *(
        f"tests/unit/test_{name}.py"
        for name in ("log1p", "native", "native_rows", "native_torch", "numpy", "shard", "tiles")
    ),
    "tests/conformance",
    "--nightly",
    "--pyargs",
    "xent_api.testing",
]
"""The unit tests are of what a backend may take on some processors only, or serves NumPy alone."""
MODULE = "xent_api.testing.conformance"
QUICK = [
    *(
        f"tests/conformance/test_{name}.py"
        for name in (
            *("masks", "reductions", "softmax", "autodiff", "class_weights", "class_shard"),
            "functions",
        )
    ),
    "--pyargs",
    "xent_api.testing",
]


def caught(mutation: Mutation, backends: list[str], folder: Path, watchful: list[str]) -> bool:
    """Apply a mutation to a copy of the sources; tell whether the suite fails on it.

    The tests in ``watchful``, which have noticed others, are asked first, and then the quick half
    of the suite: what these notice need not wait for the rest. Who notices is added there.
    """
    target = folder / "xent_api"
    shutil.copytree(ROOT / "src" / "xent_api", target)
    shutil.copy(ROOT / "src" / "pytest_xent_api.py", folder)
    path = target / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.name}: its text stands {text.count(mutation.old)} times")
    path.write_text(text.replace(mutation.old, mutation.new))
    asked = [QUICK[0], "--pyargs", *watchful] if watchful else []  # a file with the options
    for tests in (asked, QUICK, SUITE):
        if tests and (failed := first_failure(tests, backends, folder, mutation.name)):
            if failed not in watchful:
                watchful.append(failed)
            return True
    return False


def first_failure(tests: list[str], backends: list[str], folder: Path, name: str) -> str | None:
    """Return the first test that fails with the package in a folder, if one does."""
    chosen = [argument for backend in backends for argument in ("--xent-backend", backend)]
    command = [sys.executable, "-m", "pytest", *tests, "-x", "-q", "-rfE", "-m", "not slow"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *chosen],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    if done.returncode != 1 or found is None:
        raise SystemExit(f"{name}: the suite did not run\n{done.stdout}{done.stderr}")
    if found[1].startswith("tests/"):
        return found[1]
    # A test of the package is found by its module: the folder is another one each time.
    return re.sub(r"^\S*?conformance/(\w+)\.py::", rf"{MODULE}.\1::", found[1])


def main() -> int:
    """Run all mutations; return the exit status."""
    parser = argparse.ArgumentParser(description="Mutate the package and run the suite on it.")
    parser.add_argument("--backend", action="append", required=True)
    backends = parser.parse_args().backend
    with tempfile.TemporaryDirectory() as folder:
        if caught(CONTROL, backends, Path(folder), []):
            raise SystemExit("the suite fails without a mutation")
    escaped, watchful = 0, list[str]()
    for mutation in MUTATIONS:
        if mutation.only and not mutation.only & set(backends):
            print(f"not run  {mutation.name}: changes no number here", flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = caught(mutation, backends, Path(folder), watchful)
        escaped += not found
        print(f"{'caught ' if found else 'ESCAPED'}  {mutation.name}", flush=True)
    print(f"{escaped} of {len(MUTATIONS)} escaped on {', '.join(backends)}")
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
