"""mem0 itself, from PyPI, run in a process of its own: its imports are heavy, warn, and would phone home.

Reads a JSON list of calls from standard input, `["add", {...}]`, and answers the list of what they returned. A value
`"$0.results.0.id"` stands for that part of an earlier answer. It stores in a table of the Postgres given, and asks the
OpenAI-compatible server given.
"""

import argparse
import json
import os
import sys
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--postgres", "--table", "--peer", "--folder"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=options.folder, OPENAI_API_KEY="none")
    from mem0 import Memory  # noqa: PLC0415 because it reads its settings when it is imported

    memory = Memory.from_config(
        {
            "vector_store": {
                "provider": "pgvector",
                "config": {
                    "connection_string": options.postgres,
                    "collection_name": options.table,
                    "embedding_model_dims": 384,
                    "hnsw": False,
                },
            },
            "llm": {"provider": "openai", "config": {"openai_base_url": options.peer, "model": "peer"}},
            "embedder": {
                "provider": "openai",
                "config": {"openai_base_url": options.peer, "model": "peer", "embedding_dims": 384},
            },
            "history_db_path": os.path.join(options.folder, "history.db"),
        }
    )
    answers: list[Any] = []
    for name, arguments in json.load(sys.stdin):
        given = {key: _resolved(value, answers) for key, value in arguments.items()}
        answers.append(getattr(memory, name)(**given))
    json.dump(answers, sys.stdout, default=str)


def _resolved(value: Any, answers: list[Any]) -> Any:
    if not (isinstance(value, str) and value.startswith("$")):
        return value
    found: Any = answers
    for part in value[1:].split("."):
        found = found[int(part)] if part.isdigit() else found[part]
    return found


if __name__ == "__main__":
    main()
