"""docs/attacks.md is true: each attack in it is tried by the test that it names."""

import re

from lifecycle import PROJECT

PAGE = (PROJECT / "docs" / "attacks.md").read_text(encoding="utf-8")


def test_every_attack_is_tried_by_a_test():
    rows = re.findall(r"^\| .+ \| .+ \| `(test_\w+)` \|$", PAGE, flags=re.MULTILINE)
    assert len(rows) == PAGE.count("\n| ") - PAGE.count("\n|---")  # each table has a head
    tests = {
        name
        for file in (PROJECT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert [name for name in rows if name not in tests] == []
