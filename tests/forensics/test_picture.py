"""The picture is SVG that parses, with a bar for each suspect and campaign."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from gateway.forensics.attribute import attribute
from gateway.forensics.picture import ranking_svg


def test_each_suspect_and_campaign_has_a_bar():
    report = attribute(["It is not so."], ["a", "b", "c"], secret=b"s" * 32, epochs=[0], campaigns={"<both>": ["a", "b"]})
    drawn = ET.fromstring(ranking_svg(report))
    assert len([one for one in drawn.iter() if one.tag.endswith("rect")]) == 1 + 4
    assert "<both> (2 keys)" in "".join(drawn.itertext())
