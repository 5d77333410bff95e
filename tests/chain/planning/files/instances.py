"""Published instances beside this repository, and small files by hand."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[5] / "shared/data/scheduling"
needs_instances = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the published instances are not beside this repository (../shared/data/scheduling)"
)
FJSP = "2 3 1.5\n2 2 1 5 3 4 1 2 3\n1 1 3 7\n"
JSP = "# a remark\n2 2\n0 3 1 2\n1 4 0 1\n"
SDST = "2\n3\n1 2 3\n4 5 6\n0 1\n2 0\n0 3\n4 0\n0 5\n6 0\n"
HFSP = "3\n2\n1 2\n1 2\n3 4\n5 6\n"
TT = "3\n2\n10 20 30\n1 2\n3 4\n5 6\n"
