"""The cases as a JUnit file, of the form that pytest writes."""

import datetime as dt
import platform
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from .cases import Case


def junit(cases: Sequence[Case], unable: Sequence[str], seconds: float) -> bytes:
    """Return the XML of a file with one suite; what could not run is an error."""
    states = [case.state for case in cases]
    skipped = sum(state in ("skip", "xfail", "known defect") for state in states)
    root = ET.Element("testsuites", name="xent_api")
    suite = ET.SubElement(
        root,
        "testsuite",
        name="xent_api",
        errors=str(len(unable)),
        failures=str(states.count("FAIL")),
        skipped=str(skipped),
        tests=str(len(cases) + len(unable)),
        time=f"{seconds:.3f}",
        timestamp=dt.datetime.now(dt.UTC).isoformat(),
        hostname=platform.node(),
    )
    for case in cases:
        _add(suite, case, seconds / len(cases))
    for line in unable:
        one = ET.SubElement(suite, "testcase", classname="xent_api", name=line, time="0.000")
        ET.SubElement(one, "error", message=line)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _add(suite: ET.Element, case: Case, seconds: float) -> None:
    file, _, name = case.id.partition("::")
    owner = f"conformance.{file.removesuffix('.py')}"  # as pytest calls it
    # They are not timed one by one: each has its part of the whole.
    one = ET.SubElement(suite, "testcase", classname=owner, name=name, time=f"{seconds:.3f}")
    text = "".join(c if c.isprintable() or c == "\n" else "?" for c in case.text)
    if case.state == "FAIL":
        ET.SubElement(one, "failure", message=text.splitlines()[0] if text else "").text = text
    elif case.state == "skip":
        ET.SubElement(one, "skipped", type="pytest.skip", message=text)
    elif case.state in ("xfail", "known defect"):
        ET.SubElement(one, "skipped", type="pytest.xfail", message=text)
