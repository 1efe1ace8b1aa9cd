"""The cases as a JUnit file, as pytest writes one."""

import datetime as dt
import platform
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from .cases import Case


def junit(cases: Sequence[Case], seconds: float) -> bytes:
    """Return the XML of a file with one suite."""
    states = [case.state for case in cases]
    skipped = sum(state in ("skip", "xfail", "known defect") for state in states)
    root = ET.Element("testsuites", name="xent_api")
    suite = ET.SubElement(
        root,
        "testsuite",
        name="xent_api",
        errors="0",
        failures=str(states.count("FAIL")),
        skipped=str(skipped),
        tests=str(len(cases)),
        time=f"{seconds:.3f}",
        timestamp=dt.datetime.now(dt.UTC).isoformat(),
        hostname=platform.node(),
    )
    for case in cases:
        _add(suite, case, seconds / len(cases))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _add(suite: ET.Element, case: Case, seconds: float) -> None:
    file, _, name = case.id.partition("::")
    owner = f"xent_api.testing.conformance.{file.removesuffix('.py')}"
    # They are not timed one by one: each has its part of the whole.
    one = ET.SubElement(suite, "testcase", classname=owner, name=name, time=f"{seconds:.3f}")
    text = "".join(c if c.isprintable() or c == "\n" else "?" for c in case.text)
    if case.state == "FAIL":
        ET.SubElement(one, "failure", message=text.splitlines()[0] if text else "").text = text
    elif case.state == "skip":
        ET.SubElement(one, "skipped", type="pytest.skip", message=text)
    elif case.state in ("xfail", "known defect"):
        ET.SubElement(one, "skipped", type="pytest.xfail", message=text)
