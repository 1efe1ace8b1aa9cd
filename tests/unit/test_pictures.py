"""``python -m xent_api --report``: the page, its pictures, and what they are drawn from."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import oracle

from xent_api._report import peers, softmax
from xent_api._report.comparison import comparison, softmax_comparison, special
from xent_api._report.main import main
from xent_api._report.measure import CASES, CENTRES, Measured, call_target, measure
from xent_api._report.page import page
from xent_api._report.pictures import draw_softmax
from xent_api._report.tables import WRONG, Table
from xent_api._report.write import measure_peers
from xent_api.testing import find_target
from xent_api.testing.float64 import softmax_values

PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def ours() -> Measured:
    return measure("numpy", "1", call_target(find_target("numpy")))


@pytest.fixture(scope="module")
def textbook() -> Measured:
    (peer,) = [peer for peer in peers.PEERS if peer.name == "textbook in NumPy"]
    return measure(peer.name, peer.version, peer.call)


def test_this_package_is_right_everywhere(ours: Measured) -> None:
    for case in CASES:
        assert 0.4 < ours.worst(case) <= 4.0
        assert len(ours.curves[case].worst) == len(CENTRES)
    assert WRONG not in "".join(map(str, [*comparison([ours]).rows, *special([ours]).rows]))


def test_the_textbook_is_wrong_where_it_is_known_to_be(textbook: Measured) -> None:
    (row,) = comparison([textbook]).rows
    wrong = {case for case, cell in zip(CASES, row[2:], strict=True) if WRONG in cell}
    assert wrong == {"loss, soft z", "gradient, z = 1"}
    # The gradient at label 1 loses its digits with growing logits, and has none from 17 on.
    worst = dict(zip(CENTRES, textbook.curves["gradient, z = 1"].worst, strict=True))
    assert worst[-20.5] < 4
    assert 100 < worst[8.5] < worst[12.5] < worst[20.5]
    assert worst[20.5] == pytest.approx(2.0**24, rel=0.01)
    table = special([textbook])
    assert table.columns == ("x", "z", "", "exact", f"textbook in NumPy {textbook.version}")
    points = [row[:2] for row in table.rows if WRONG in row[-1]]
    assert len(table.rows) == 14
    assert points[:4] == [("20", "1"), ("inf", "1"), ("inf", "0.5"), ("inf", "0")]
    assert ("0", "0.25") not in points  # a point where it is right


def test_softmax_losses() -> None:
    (peer, call), *_ = softmax.installed_peers()
    textbook = softmax.measure(peer.name, peer.version, call)
    ours = softmax.measure("numpy", "1", softmax.call_target(find_target("numpy")))
    rows = softmax_comparison([textbook, ours]).rows
    assert [[WRONG in cell for cell in row[2:]] for row in rows] == [[True] * 3, [False] * 3]
    assert textbook.worst("loss") == pytest.approx(2.0**24, rel=0.01)
    assert draw_softmax([textbook, ours]).startswith(PNG)


def test_softmax_values_agree_with_mpmath() -> None:
    logits, labels = softmax.points()
    loss, gradient, _ = softmax_values(logits.astype(np.float64), labels)
    for i in range(0, len(labels), 997):
        hot = tuple(float(k == labels[i]) for k in range(softmax.CLASSES))
        exact, slopes, _ = oracle.softmax_xent(tuple(logits[i].tolist()), hot)
        for got, right in zip([loss[i], *gradient[i]], [exact, *slopes], strict=True):
            assert float(got) == pytest.approx(float(right), rel=1e-14)


def test_one_wrong_point_is_seen() -> None:
    def call(x: peers.Single, z: peers.Single, kept: object) -> peers.Found:
        exact = peers._textbook(x.astype(np.float64), z.astype(np.float64), kept)
        loss, slope = (value.astype(np.float32) for value in exact[:2])
        if kept is None:
            loss[np.argmin(np.abs(x - 33.3))] *= 1 + 1e-6
        return loss, slope, None

    found = measure("", "", call)
    worst = dict(zip(CENTRES, found.curves["loss, z = 0"].worst, strict=True))
    assert worst.pop(33.5) > 7
    assert max(worst.values()) <= 0.501


def test_nan_is_no_right_gradient() -> None:
    def call(x: peers.Single, z: peers.Single, kept: object) -> peers.Found:
        loss, slope, _ = peers._textbook(x, z, kept)
        slope[(z > 0) & (z < 1) & (x > 5) & (x < 6)] = np.nan
        return loss, slope, None

    assert measure("", "", call).worst("gradient, soft z") == np.inf


def test_a_peer_that_raises_is_named_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> peers.Found:
        raise ImportError("no kernels")

    peer = peers.PEERS[0]._replace(name="broken", call=broken)
    monkeypatch.setattr(peers, "PEERS", (*peers.PEERS[:1], peer))
    found, problems = measure_peers(lambda _: None)
    assert [system.name for system in found] == ["textbook in NumPy"]
    assert problems == ["broken cannot be measured: ImportError: no kernels"]


@pytest.mark.parametrize("name", ["", "file", "file/folder"])
def test_a_folder_that_cannot_be_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    out = io.StringIO()
    with pytest.raises(SystemExit):
        main(["--report", name], out)
    assert not out.getvalue()
    assert "--report" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.nightly
def test_the_files(tmp_path: Path) -> None:
    out = io.StringIO()
    short = ["--backend", "numpy", "--dtypes", "float32", "--families", "sigmoid"]
    assert main([*short, "--report", str(tmp_path / "new" / "folder")], out) == 0
    folder = tmp_path / "new" / "folder"
    assert f"{folder / 'index.html'} is written" in out.getvalue()
    html = (folder / "index.html").read_text(encoding="utf-8")
    for text in ("42 of 42 cases", "exp", "textbook in NumPy", "<td>masked</td>", "Python 3."):
        assert text in html
    embedded = [base64.b64decode(data) for data in re.findall(r'base64,([^"]+)"', html)]
    files = [(folder / f"{name}.png").read_bytes() for name in ("backends", "peers", "softmax")]
    assert embedded == files
    assert all(picture.startswith(PNG) and len(picture) > 20_000 for picture in files)
    assert not re.search(r'(src|href)="(?!data:)', html)  # nothing outside the page is needed


def test_a_report_without_a_backend(tmp_path: Path) -> None:
    status = main(["--backend", "no_such_library", "--report", str(tmp_path)], io.StringIO())
    assert status == 2
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "no_such_library cannot run" in html
    assert not list(tmp_path.glob("*.png"))


def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("xent_api._report.main.find_spec", lambda _: None)
    with pytest.raises(SystemExit):
        main(["--report", str(tmp_path)], io.StringIO())
    assert "--report needs numpy and matplotlib, of the extra [report]" in capsys.readouterr().err


def test_pages_escape_and_mark() -> None:
    table = Table("A < B", ("name", "ulp"), [("<x>", f"9 {WRONG}"), ("y", "pass")])
    html = page("T & U", [table, "1 < 2"])
    assert "<h2>A &lt; B</h2>" in html
    assert f'<td>&lt;x&gt;</td><td class="wrong">9 {WRONG}</td>' in html
    assert '<td class="right">pass</td>' in html
    assert "<p>1 &lt; 2</p>" in html
    assert "<title>T &amp; U</title>" in html
