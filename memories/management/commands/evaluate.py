import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import track

from memories.evaluation.context import TOKEN_BUDGET, context_scores, evaluate_context
from memories.evaluation.extraction import evaluate_extraction
from memories.evaluation.names import Synonyms
from memories.evaluation.retrieval import evaluate_retrieval
from memories.evaluation.score_extraction import score_extraction
from memories.evaluation.score_retrieval import as_table, score_retrieval
from memories.evaluation.scratch import scratch_database
from memories.vocabulary.lexicon import rows

Rows = list[dict[str, Any]]
Run = Callable[[Iterable[dict[str, Any]]], Iterator[dict[str, Any]]]
Score = Callable[[Rows, Rows, dict[str, Any]], None]


class Command(BaseCommand):
    help = "Run the product on a file of dialogues or of questions, in a database of its own, and print the score."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True)
        for kind, file in (
            ("extraction", "dialogues with the facts in them"),
            ("retrieval", "memories and questions"),
            ("context", "memories and questions"),
        ):
            arguments = kinds.add_parser(kind, help=f"on a .jsonl file of {file}")
            arguments.add_argument("file", type=Path)
            arguments.add_argument(
                "--predictions", type=Path, required=True, help="where to write what the product answers"
            )
            arguments.add_argument("--errors", type=int, default=0, metavar="N", help="show the first N errors")
            arguments.add_argument("--json", action="store_true", help="print the figures as JSON")
        kinds.choices["extraction"].add_argument("--vocab", type=Path, help="drug names and ingredients (.tsv)")
        kinds.choices["context"].add_argument(
            "--tokens", type=int, default=TOKEN_BUDGET, help="the budget of a context"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kinds: dict[str, tuple[Run, Score]] = {
            "extraction": (evaluate_extraction, self._score_extraction),
            "retrieval": (evaluate_retrieval, self._score_retrieval),
            "context": (
                partial(evaluate_context, token_budget=options.get("tokens", TOKEN_BUDGET)),
                self._score_context,
            ),
        }
        run, score = kinds[options["kind"]]
        given = _read(options["file"])
        with scratch_database():
            predictions = self._run(run, [_without_answers(row) for row in given], options["predictions"])
        score(given, predictions, options)

    def _run(self, run: Run, given: Rows, to: Path) -> Rows:
        """Answer the file, row by row, writing each answer at once. The answers."""
        answers = []
        shown = track(given, description="evaluating", console=Console(stderr=True), transient=True)
        with to.open("w", encoding="utf-8") as file:
            for answer in run(shown):
                file.write(json.dumps(answer, ensure_ascii=False) + "\n")
                answers.append(answer)
        return answers

    def _score_retrieval(self, given: Rows, predictions: Rows, options: dict[str, Any]) -> None:
        ranked = {prediction["query_id"]: prediction["ranked"] for prediction in predictions}
        scores = score_retrieval(given, ranked)
        self.stdout.write(json.dumps(scores) if options["json"] else as_table(scores))
        missed = [
            f"{query['id']} | {query['question']}"
            for record in given
            for query in record["queries"]
            if not set(query["gold"]) & set(ranked.get(query["id"], [])[:3])
        ]
        self.stdout.write("\n".join(missed[: options["errors"]]))

    def _score_context(self, given: Rows, predictions: Rows, options: dict[str, Any]) -> None:
        scores, missed = context_scores(given, predictions)
        lines = [f"{name:28s} {round(figure, 3)}" for name, figure in scores.items()]
        self.stdout.write(json.dumps(scores) if options["json"] else "\n".join(lines))
        self.stdout.write("\n".join(missed[: options["errors"]]))

    def _score_extraction(self, given: Rows, predictions: Rows, options: dict[str, Any]) -> None:
        figures, errors = score_extraction(
            given, {prediction["id"]: prediction for prediction in predictions}, Synonyms(_drug_names(options["vocab"]))
        )
        lines = [f"{name:45s} {figure}" for name, figure in figures.items()]
        self.stdout.write(json.dumps(figures) if options["json"] else "\n".join(lines))
        self.stdout.write("\n".join("\t".join(error) for error in errors[: options["errors"]]))


def _read(path: Path) -> Rows:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from None
    except ValueError:
        raise CommandError(f"{path} is no JSON Lines file: each line must be one JSON object.") from None


def _without_answers(row: Any) -> Any:
    """A row without what would give the answers away: they are not even at hand."""
    if isinstance(row, list):
        return [_without_answers(part) for part in row]
    if isinstance(row, dict):
        return {key: _without_answers(part) for key, part in row.items() if key not in ("gold", "answer", "note_text")}
    return row


def _drug_names(path: Path | None) -> Iterator[tuple[str, str]]:
    """Names and ingredients from a tab-separated file, or from the product's own vocabulary."""
    if path is None:
        yield from ((row["name"], row["ingredient"]) for row in rows("drugs.tsv.gz"))
        return
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        name, ingredient, *_ = line.split("\t")
        yield name, ingredient
