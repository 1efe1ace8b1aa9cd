#!/usr/bin/env -S uv run --script

# /// script
# dependencies = ["nox>=2025.5"]
# ///

"""The sessions. ``nox`` runs the default set in some 12 minutes, ``nox -t nightly`` other tests.

``nox -s "conformance(jax)"`` runs the whole suite on one backend. Sessions share nothing but the
working tree, which they only read, so that several may run at once. `peers`, `bench` and
`exhaustive` measure, and write their results there.
"""

import shutil
from itertools import product
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "virtualenv"  # sees the same local packages as pip does
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

PROJECT = nox.project.load_toml("pyproject.toml")

# One version for all sessions, of which a build for CPUs may be at hand: from the default index any
# version brings several gigabytes of CUDA, also where there is no GPU. A choice of these sessions,
# and none of the package's own metadata.
TORCH = "torch==2.13.0"

TARGETS = {
    "numpy": ["numpy", "numpy:native"],
    "array_api_strict": [
        "array_api_strict",
        "array_api_strict:strictest",
        "array_api_strict:device1",
        "array_api_strict:no_float64",
    ],
    "torch": ["torch", "torch:native", "torch:cuda"],
    "jax": ["jax", "jax:x32", "jax:cuda"],
    "dask": ["dask"],
    "ndonnx": ["ndonnx"],
    "mparray": ["mparray"],
    "mlx": ["mlx"],
    "tensorflow": ["tensorflow"],
    "paddle": ["paddle"],
    "dpnp": ["dpnp"],
    "cubed": ["cubed"],
    "sparse": ["sparse"],
    "cupy": ["cupy"],
}
NEEDS_GPU = {"cupy"}
ON_CPU = [name for name in TARGETS if name not in NEEDS_GPU]
ALONE = {"tensorflow", "paddle", "dpnp", "cubed", "sparse"}
"""Libraries that have an environment of their own."""
TOGETHER = [name for name in ON_CPU if name not in ALONE]
BACKENDS = [
    nox.param(name, id=name, tags=["nightly"] if name in ON_CPU else []) for name in TARGETS
]
CONFORMANCE = ("--pyargs", "xent_api.testing", "tests/conformance")
"""The conformance suite: what any project can run, and what is the package's own. The first part
comes first, as its tests of one family share results where one process has them in a row."""
nox.options.tags = ["default"]


def _group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PROJECT, name)


def _install(session: nox.Session, *groups: str) -> None:
    if "backend-dpnp" in groups:  # which finds the CPU as a device of OpenCL by this
        session.env["OCL_ICD_FILENAMES"] = f"{session.virtualenv.location}/lib/libintelocl.so"
    requirements = [requirement for group in groups for requirement in _group(group)]
    if any(requirement.startswith("torch") for requirement in requirements):
        session.install(TORCH)
    session.install(".", *requirements)


def _chosen(backends: list[str]) -> list[str]:
    targets = [target for name in backends for target in TARGETS[name]]
    return [argument for target in targets for argument in ("--xent-backend", target)]


@nox.session(tags=["default"])
def lint(session: nox.Session) -> None:
    """Check style, imports, spelling, workflows, metadata, scientific-python's rules (seconds)."""
    session.install(*_group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", env={"PYTHONPATH": "src"})
    session.run("codespell")
    session.run("rumdl", "check", ".")
    session.run("zizmor", "--offline", "--quiet", ".github", "docs/how-to/check-in-ci.yml")
    session.run("repo-review", ".")
    session.run("validate-pyproject", "pyproject.toml")


@nox.session(tags=["default"])
def typing(session: nox.Session) -> None:
    """Check the types (half a minute)."""
    _install(session, "typing")
    session.install("nox")
    session.run("mypy")


@nox.session(tags=["default"])
def tests(session: nox.Session) -> None:
    """Run the unit tests, the conformance suite's default set on most backends, the examples."""
    _install(session, "test", "unit", "examples", *(f"backend-{name}" for name in TOGETHER))
    folders = (*CONFORMANCE, "tests/unit")
    chosen = [name for name in TARGETS if name not in ALONE]
    session.run("pytest", *folders, "-n2", *_chosen(chosen), *session.posargs)
    if not session.posargs:
        _run_examples(session)


@nox.session(tags=["default"])
def tensorflow(session: nox.Session) -> None:
    """Run the default set of the conformance suite on TensorFlow (two minutes)."""
    _install(session, "test", "backend-tensorflow")
    session.run("pytest", *CONFORMANCE, "-n2", *_chosen(["tensorflow"]), *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """Run the unit tests without the libraries of the backends (a minute)."""
    _install(session, "test", "unit", "backend-mparray")
    session.run("pytest", "tests/unit", "-n2", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """Run the examples of the README, the documentation and every docstring (half a minute)."""
    _install(session, "examples")
    _run_examples(session, *session.posargs)


def _run_examples(session: nox.Session, *arguments: str) -> None:
    session.run(
        "pytest",
        "-n2",
        "--doctest-modules",
        "--doctest-ignore-import-errors",  # the modules of libraries that are not installed
        "--doctest-glob=*.md",
        "README.md",
        "docs",
        "--ignore=docs/conf.py",
        "--ignore-glob=docs/how-to/*.py",  # which want several devices
        "--ignore-glob=*/xent_api/testing/conformance/*",  # which want a backend
        "--pyargs",
        "xent_api",
        *arguments,
    )
    # Both sides of the tables; TensorFlow's and Paddle's rows run in `peers`.
    session.run("pytest", "-W", "default", "tests/peers/test_migration.py")
    for name in ("many_machines", "vocabulary_torch"):
        command = ("python", "-m", "torch.distributed.run", "--nproc-per-node", "2")
        session.run(*command, f"docs/how-to/{name}.py", env={"OMP_NUM_THREADS": "1"})
    session.run("python", "docs/how-to/vocabulary_jax.py")


@nox.session(tags=["default"])
def docs(session: nox.Session) -> None:
    """Build the documentation; a reference that leads nowhere is an error."""
    session.install(".", *_group("docs"))
    target = session.posargs[0] if session.posargs else f"{session.create_tmp()}/html"
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-b", "html", "docs", target)


@nox.session(tags=["default"])
def package(session: nox.Session) -> None:
    """Build sdist and wheel, look into both, and use the wheel that the sdist makes."""
    session.install("build", "twine", "check-wheel-contents")
    folder = f"{session.create_tmp()}/built"
    shutil.rmtree(folder, ignore_errors=True)  # of another version
    session.run("python", "-m", "build", "--outdir", folder)  # the wheel is made of the sdist
    built = [str(path) for path in Path(folder).iterdir() if path.suffix in {".whl", ".gz"}]
    (wheel,) = [path for path in built if path.endswith(".whl")]
    session.run("twine", "check", "--strict", *built)
    session.run("check-wheel-contents", wheel)
    session.install("--force-reinstall", wheel, "numpy")
    session.cd(folder)
    session.run("python", "-m", "xent_api", "--backend", "numpy")


@nox.session
@nox.parametrize("backend", BACKENDS)
def alone(session: nox.Session, backend: str) -> None:
    """Use the package beside one array library and nothing else."""
    _install(session, f"backend-{backend}")
    name = TARGETS[backend][0]
    session.run("python", "-m", "xent_api", "--backend", name)


@nox.session
@nox.parametrize("backend", BACKENDS)
def conformance(session: nox.Session, backend: str) -> None:
    """Run the whole conformance suite on one backend (half a minute to half an hour)."""
    _install(session, "test", f"backend-{backend}", *["native"] * (backend == "numpy"))
    session.run("pytest", *CONFORMANCE, "--nightly", "-n2", *_chosen([backend]), *session.posargs)


MINIMUMS = {
    "numpy": ["numpy==2.1.0", "array-api-compat==1.11.2", "llvmlite==0.45.0", "ml_dtypes"],
    "jax": ["jax==0.5.0", "jaxlib==0.5.0", "array-api-compat==1.11.2"],
    "torch": ["torch==2.8.0", "array-api-compat==1.11.2"],
}
"""The lowest versions that are tested. (This PyTorch brings what TORCH does without.)"""


@nox.session(tags=["nightly"])
@nox.parametrize("backend", list(MINIMUMS), ids=list(MINIMUMS))
def minimums(session: nox.Session, backend: str) -> None:
    """Run the conformance suite with the lowest versions that are supported (minutes)."""
    session.install(".", *MINIMUMS[backend], *_group("test"))
    tests = [*CONFORMANCE, "--nightly"]
    unit = ["numpy", "tiles", "native"]
    tests += [f"tests/unit/test_{name}.py" for name in unit] * (backend == "numpy")
    session.run("pytest", *tests, "-n2", *_chosen([backend]), *session.posargs)


@nox.session(tags=["nightly"])
def coverage(session: nox.Session) -> None:
    """See that the tests reach every line and branch of the core (half an hour)."""
    _install(session, "test", "unit", *(f"backend-{name}" for name in TOGETHER))
    session.install("coverage>=7.10", "pytest-cov>=6")
    tests = ("tests/unit", *CONFORMANCE, "--nightly", "-n2", "--cov", "--cov-report=")
    session.run("pytest", *tests, *_chosen(TOGETHER), *session.posargs)
    session.run("coverage", "report")


@nox.session(tags=["nightly"])
@nox.parametrize("backend", ON_CPU, ids=ON_CPU)
def mutations(session: nox.Session, backend: str) -> None:
    """See that the conformance suite notices fifty wrong formulas (minutes to hours)."""
    _install(session, "test", f"backend-{backend}", *["unit"] * (backend == "numpy"))
    for target in TARGETS[backend] if backend == "numpy" else TARGETS[backend][:1]:
        session.run("python", "tools/mutate.py", "--backend", target)


PEERS = {
    "python": ["torch>=2.13", "jax>=0.8", "keras>=3.10", "optax>=0.2.5", "scikit-learn>=1.7"],
    "tensorflow": ["tensorflow-cpu>=2.20"],
    "paddle": ["paddlepaddle>=3.2"],
}
"""What can live in one environment."""


@nox.session(tags=["nightly"])
@nox.parametrize("peers", list(PEERS), ids=list(PEERS))
def peers(session: nox.Session, peers: str) -> None:
    """Measure other systems' losses; compare the facades with the real ones (minutes)."""
    if peers == "python":
        session.install(TORCH)
    session.install(".[report]", *_group("test"), *PEERS[peers])
    session.run("python", "tools/peers.py")
    tests = [f"tests/peers/test_{peers}.py", "tests/peers/test_migration.py"]
    if peers == "python":
        tests = ["tests/peers/test_torch_facade.py", "tests/peers/test_optax_facade.py"]
    session.run("pytest", "-W", "default", *tests, *session.posargs)


@nox.session
@nox.parametrize("backend", ON_CPU, ids=ON_CPU)
def libraries(session: nox.Session, backend: str) -> None:
    """Measure a library for ``docs/array-libraries.md`` (a minute; ``-- --exhaustive``: ten)."""
    _install(session, f"backend-{backend}")
    session.install("numpy")
    file = f"results/accuracy/libraries/{backend}.json"
    chosen = ("--backend", TARGETS[backend][0], "--json", file)
    session.run("python", "-m", "xent_api", *chosen, *session.posargs, success_codes=[0, 1])
    session.run("python", "tools/libraries_page.py")


@nox.session
def bench(session: nox.Session) -> None:
    """Time the losses beside their peers (half an hour, on a machine with nothing else to do)."""
    session.install(TORCH)
    peers = ("jax>=0.8", "numexpr>=2.13", "optax>=0.2.5", "scikit-learn>=1.7", "scipy>=1.14")
    session.install(".[native,report]", *peers)
    session.run("python", "tools/bench.py", *session.posargs)
    session.run("python", "tools/bench_native.py", *session.posargs)
    session.run("python", "tools/bench_tensors.py", *session.posargs)
    session.run("python", "tools/bench_options.py", *session.posargs)
    session.run("python", "tools/bench_softmax.py", *session.posargs)
    session.run("python", "tools/bench_sizes.py", *session.posargs)


@nox.session
@nox.parametrize("backend", ["numpy", "torch", "jax"], ids=["numpy", "torch", "jax"])
def exhaustive(session: nox.Session, backend: str) -> None:
    """Compare the results of all float32, float16 and bfloat16 logits (an hour; resumable)."""
    _install(session, f"backend-{backend}")
    session.install("numpy", "ml_dtypes", "rich", *_group("native"))
    names = [backend] if backend == "jax" else [backend, f"{backend}:native"]
    for name, family in product(names, ("sigmoid_xent", "sparse_softmax_xent")):
        for dtype in ("float32", "float16", "bfloat16"):
            chosen = ["--dtype", dtype, "--family", family]
            session.run("python", "tools/exhaustive.py", name, *chosen, *session.posargs)


if __name__ == "__main__":
    nox.main()
