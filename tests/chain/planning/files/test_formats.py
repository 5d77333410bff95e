import re
from pathlib import Path
from typing import get_args

import pytest
from tests.chain.planning.files.instances import FJSP, FOLDER, HFSP, JSP, SDST, TT, needs_instances

from batchone.chain.planning import Measure, solve
from batchone.chain.planning.checks import faults_of
from batchone.chain.planning.files import Format, guess, load, native, parse
from batchone.chain.planning.files.formats import written
from batchone.chain.planning.files.text import ORIGIN
from batchone.cli.plan import FormatName, WrittenName
from batchone.kernel.errors import Refused

TEXTS = {Format.FJSP: FJSP, Format.JSP: JSP, Format.SDST_PFSP: SDST, Format.HFSP: HFSP, Format.TT_PFSP: TT}


@needs_instances
@pytest.mark.parametrize(
    ("path", "format_", "jobs", "operations", "resources"),
    [
        ("fjsp/mk01.txt", Format.FJSP, 10, 55, 6),
        ("fjsp/mk15.txt", Format.FJSP, 30, 284, 15),
        ("fjsp/dpp13a.txt", Format.FJSP, 20, 387, 10),
        ("fjsp/behnke56.txt", Format.FJSP, 100, 500, 60),
        ("jsp/ft06.txt", Format.JSP, 6, 36, 6),
        ("jsp/ta71js.txt", Format.JSP, 100, 2000, 20),
        ("jsp/dmu80.txt", Format.JSP, 50, 1000, 20),
        ("flow/SDST-PFSP-1.txt", Format.SDST_PFSP, 20, 100, 5),
        ("flow/SDST-PFSP-300.txt", Format.SDST_PFSP, 50, 1000, 20),
        ("flow/HFSP-1440.txt", Format.HFSP, 200, 2000, 10),
        ("flow/TT-PFSP-420.txt", Format.TT_PFSP, 350, 17_500, 50),
    ],
)
def test_published_instances_are_told_apart_and_have_their_sizes(
    path: str, format_: Format, jobs: int, operations: int, resources: int
) -> None:
    problem, found = load(FOLDER / path)
    assert found is format_
    assert (len(problem.jobs), len(problem.operations), len(problem.resources)) == (jobs, operations, resources)
    assert not list(faults_of(problem))


@needs_instances
def test_every_published_instance_is_read() -> None:
    folders = {"fjsp": {Format.FJSP}, "jsp": {Format.JSP}, "flow": {Format.SDST_PFSP, Format.HFSP, Format.TT_PFSP}}
    for path in sorted(FOLDER.glob("*/*.txt")):
        problem, found = load(path)
        assert found in folders[path.parent.name], path
        assert problem.operations


@needs_instances
def test_no_plan_of_a_read_instance_is_better_than_its_best_known() -> None:
    assert solve(load(FOLDER / "jsp/ft06.txt")[0], 60, 1).objective.makespan_s == 55


@pytest.mark.parametrize(("format_", "text"), TEXTS.items())
def test_a_format_is_told_by_its_content(format_: Format, text: str) -> None:
    assert guess(text, "x.txt") is format_
    assert parse(text, format_).operations


def test_a_format_is_told_by_its_ending_or_its_first_character() -> None:
    assert guess("", "x.json") is guess(" {", "x") is Format.JSON
    assert guess("", "x.xml") is guess("\n<a/>", "x") is Format.B2MML
    assert guess("", "x.fjs") is Format.FJSP


@pytest.mark.parametrize("text", ["", "hello\nworld", "1 2 3 4\n5", "2\n2\n1 1\n1 2\n3 4\n"])
def test_what_cannot_be_told_must_be_named(text: str) -> None:
    with pytest.raises(Refused, match="--format"):
        guess(text, "x.txt")


@pytest.mark.parametrize("format_", TEXTS)
def test_a_file_cut_anywhere_is_refused_with_its_place(format_: Format) -> None:
    text = TEXTS[format_].rstrip("\n")
    ends = [found.start() for found in re.finditer(r"\s", text)]
    for end in ends:
        with pytest.raises(Refused, match=r"cut\.txt, line \d+.*expected"):
            parse(text[:end], format_, "cut.txt")
    with pytest.raises(Refused, match="the end of the file"):
        parse(text + "\n1 2", format_, "cut.txt")


@pytest.mark.parametrize("format_", TEXTS)
@pytest.mark.parametrize("wrong", ["x", "-1", "1.5", "9" * 30, "٣"])
def test_a_field_that_is_no_number_is_refused_with_line_and_column(format_: Format, wrong: str) -> None:
    text = TEXTS[format_].rstrip("\n")
    at = text.rindex(" ") + 1
    line, column = text.count("\n") + 1, at - text.rindex("\n")
    with pytest.raises(Refused, match=rf"line {line}, column {column} \(field \d+\): .* stands there; expected"):
        parse(text[:at] + wrong, format_)


@pytest.mark.parametrize("format_", TEXTS)
def test_more_operations_than_can_be_planned_are_refused_by_the_header(format_: Format) -> None:
    head = "600 600\n" if format_ is Format.JSP else "600\n600\n"
    if format_ is Format.FJSP:
        head = "1 1 1\n250001" + " 1 1 1" * 250_001
    with pytest.raises(Refused, match="250000"):
        parse(head, format_)


def test_files_that_are_not_there_or_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        load(tmp_path / "nothing.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused, match="not UTF-8"):
        load(tmp_path / "bytes.txt")
    with pytest.raises(Refused, match="cannot be read"):
        load(tmp_path)


def test_the_terminal_knows_every_format() -> None:
    assert set(get_args(FormatName)) == set(Format)


@pytest.mark.parametrize("format_", Format)
def test_a_problem_is_written_in_the_formats_that_the_terminal_offers_and_refused_in_others(format_: Format) -> None:
    of = parse(JSP, Format.JSP)
    if format_ in get_args(WrittenName):
        assert len(parse(written(of, format_).decode(), format_).operations) == 4
    else:
        with pytest.raises(Refused, match=f"not written as {format_}"):
            written(of, format_)


def test_a_job_shop_and_a_flexible_one_are_read_as_they_stand() -> None:
    shop, flexible = parse(JSP, Format.JSP), parse(FJSP, Format.FJSP)
    assert [(o.id, o.alternatives[0].on, o.alternatives[0].duration_s, o.predecessors) for o in shop.operations] == [
        ("j1.1", "m0", 3, ()),
        ("j1.2", "m1", 2, ("j1.1",)),
        ("j2.1", "m1", 4, ()),
        ("j2.2", "m0", 1, ("j2.1",)),
    ]
    assert [(x.on, x.duration_s) for x in flexible.operations[0].alternatives] == [("m1", 5), ("m3", 4)]
    assert shop.aim == flexible.aim == (Measure.MAKESPAN,)
    assert shop.origin == ORIGIN


def test_setups_of_a_flow_shop_are_from_the_line_to_the_column_and_never_before_the_first() -> None:
    problem = parse(SDST, Format.SDST_PFSP)
    second = problem.setups[1]
    assert (second.seconds("j1", "j2"), second.seconds("j2", "j1"), second.seconds(None, "j1")) == (3, 4, 0)
    assert second.detached
    assert problem.no_passing == (("m1", "m2", "m3"),)
    assert [o.setup_key for o in problem.operations[:4]] == ["j1", "j1", "j1", "j2"]


def test_stages_have_positions_and_tardiness_has_due_dates() -> None:
    hybrid, late = parse(HFSP, Format.HFSP), parse(TT, Format.TT_PFSP)
    assert [r.positions for r in hybrid.resources] == [1, 2]
    assert not hybrid.no_passing
    assert [job.due_s for job in late.jobs] == [10, 20, 30]
    assert late.aim == (Measure.TARDINESS,)
    assert late.no_passing == (("m1", "m2"),)


@pytest.mark.parametrize("format_", TEXTS)
def test_what_is_read_can_be_kept_as_json(format_: Format) -> None:
    problem = parse(TEXTS[format_], format_)
    assert native.read_problem(native.write_problem(problem)) == problem
