"""A comparison as JUnit XML: a test case for each row, which fails where a threshold does."""

import re
from xml.etree import ElementTree as xml

from bench.comparison.cells import HEAD, cells
from bench.comparison.comparison import Comparison, Judged
from bench.comparison.differences import Compared

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(comparison: Comparison) -> bytes:
    """The file."""
    cases = [_case(row, [each for each in comparison.judged if each.row is row]) for row in comparison.rows]
    suite = xml.Element(
        "testsuite",
        name="brokerbench compare",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        errors="0",
    )
    properties = xml.SubElement(suite, "properties")
    for key, value in (("A", comparison.a), ("B", comparison.b), ("how", comparison.how)):
        xml.SubElement(properties, "property", name=key, value=_clean(value))
    for each in comparison.conditions:
        xml.SubElement(properties, "property", name=_clean(each.key), value=_clean(f"{each.a} -> {each.b}"))
    suite.extend(cases)
    suites = xml.Element("testsuites")
    suites.append(suite)
    written: bytes = xml.tostring(suites, encoding="utf-8", xml_declaration=True)
    return written


def _case(row: Compared, judged: list[Judged]) -> xml.Element:
    case = xml.Element("testcase", classname=row.row.topology, name=_clean(str(row.row)))
    told = "; ".join(f"{head}: {text}" for head, text in zip(HEAD, cells(row), strict=True))
    crossed = [each for each in judged if each.crossed]
    for each in crossed:
        xml.SubElement(case, "failure", message=_clean(each.threshold.text)).text = _clean(told)
    unjudged = [each.why_unjudged for each in judged if each.why_unjudged]
    if unjudged and not crossed:
        xml.SubElement(case, "skipped", message=_clean("; ".join(dict.fromkeys(unjudged))))
    xml.SubElement(case, "system-out").text = _clean(told)
    return case


def _clean(text: str) -> str:
    """Without what XML can't hold."""
    return _NOT_IN_XML.sub("?", text)
