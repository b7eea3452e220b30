"""The benchmark runs in small, against real servers. No figure is asserted: those depend on the machine."""

import subprocess
import sys
from itertools import islice
from pathlib import Path

from memories.benchmark.measuring import Times, by_turns
from memories.benchmark.report import Line, as_table, compared
from memories.benchmark.sentences import distinct_questions, home_care_sentences
from memories.choices import Category

PROJECT = Path(__file__).resolve().parents[2]
SMALL = ["--patients=2", "--memories=40", "--large=60", "--rounds=4", "--seconds=0.2"]
LINES = [
    "search over HTTP ",
    "search over HTTP, p95",
    "write of 3 sentences, local extractor ",
    "write of 3 sentences, local extractor, p95",
    "write in the background, p95",
    "copies of a fact told by 8 threads",
    "searches a second, 1 client ",
    "searches a second, 4 clients",
    "searches a second, 16 clients",
    "web worker, peak memory",
    "write of 3 sentences, LLM at 0 ms",
    "web worker with an LLM client, peak memory",
    "search in the database, 40 memories",
    "search in the database, 60 memories",
    "recall@3 of the vector leg against numpy",
    "local extractor, one turn, p95",
]


def test_benchmark_reports_each_line_and_leaves_no_database() -> None:
    bench = [sys.executable, "manage.py", "bench", *SMALL]
    done = subprocess.run(bench, cwd=PROJECT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert [line for line in LINES if line not in done.stdout] == []
    report = {cells[0].strip(): cells for cells in (row.strip("| ").split("|") for row in done.stdout.splitlines())}
    assert report["copies of a fact told by 8 threads"][1].strip() == "1.00"
    assert report["recall@3 of the vector leg against numpy"][1].strip() == "1.000"
    assert "as homecare_app" in done.stdout


def test_questions_never_repeat() -> None:
    questions = list(islice(distinct_questions(), 10_000))
    assert len(set(questions)) == len(questions)


def test_few_sentences_already_have_allergies_and_medications() -> None:
    sentences = home_care_sentences(1_000)
    assert len(set(sentences)) == 1_000
    assert {s.category for s in home_care_sentences(80)} >= {Category.ALLERGY, Category.MEDICATION}


def test_calls_alternate_so_that_both_meet_the_same_machine() -> None:
    called: list[str] = []
    ours, floor = by_turns(lambda: called.append("ours"), lambda: called.append("floor"), rounds=20, warm_up=1)
    assert len(ours.taken) == len(floor.taken) == 20
    rounds = [called[at : at + 2] for at in range(0, len(called), 2)]
    assert all(sorted(pair) == ["floor", "ours"] for pair in rounds)


def test_missed_target_is_told() -> None:
    slow, fast = Times([30.0] * 3), Times([10.0] * 3)
    assert compared("search", slow, fast, at_most=1.4) == Line(
        "search", "30.0 / 30.0 ms", "10.0 / 10.0 ms", "3.00", "<= 1.4 x", False
    )
    assert compared("search", fast, fast, at_most=1.4).met
    assert as_table([compared("search", slow, fast)]).row_count == 1
