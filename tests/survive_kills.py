"""kill -9 of the site, the worker or Postgres at random moments while conversations are taken in: nothing is lost.

    python -m tests.survive_kills ../shared/eval/extraction_dev.jsonl --kills 10

Runs the product in a copy of the project, feeds it the file through `ingest` (half inline, half in the background) and
kills. Afterwards every conversation is there, every run has ended, no fact and no mention is there twice, and what is
remembered rests on the same words as in a quiet run of the same file. Exits 1 and says what is wrong, if anything is.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from homecare.postgres import Cluster
from tests.running import Run, copied_checkout, processes_in, wait_until

PATIENTS = ("killed-inline", "killed-background", "quiet")
OF_PATIENT = "JOIN patients_patient p ON p.id = r.patient_id WHERE p.external_id = %s"
#: What a patient's memories rest on. Denials are left out: whether one meets the memory it denies depends on order.
WORDS = f"""
    SELECT DISTINCT c.source_id, t.position, r.start, r."end", r.quote
    FROM memories_mention r JOIN memories_turn t ON t.id = r.turn_id
    JOIN memories_conversation c ON c.id = t.conversation_id {OF_PATIENT} AND r.stance = 'states'
"""
CONVERSATIONS = f"SELECT count(*) FROM memories_conversation r {OF_PATIENT}"
UNFINISHED = f"SELECT count(*) FROM memories_extractionrun r {OF_PATIENT} AND r.state <> 'done'"
CHECKS = {
    "conversations": CONVERSATIONS,
    "runs that have not ended well": UNFINISHED,
    "facts twice": f"""SELECT count(*) FROM (SELECT fact_key FROM memories_memory r {OF_PATIENT}
        AND superseded_by_id IS NULL GROUP BY 1 HAVING count(*) > 1) twice""",
    "mentions twice": f"""SELECT count(*) FROM (SELECT turn_id, memory_id, start, stance FROM memories_mention r
        {OF_PATIENT} GROUP BY 1, 2, 3, 4 HAVING count(*) > 1) twice""",
}
NEW_PATIENT = """
    INSERT INTO patients_patient (id, external_id, given_name, family_name, is_active, consent_given_by,
                                  known_allergies_status, created_at, updated_at)
    VALUES (gen_random_uuid(), %s, '', '', true, '', 'unknown', now(), now())
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with copied_checkout() as checkout:
        return Scene(checkout, options.file.resolve(), random.Random(options.seed)).play(options.kills)


class Scene:
    """One run of the product, with somebody who kills its processes."""

    def __init__(self, checkout: Path, file: Path, chance: random.Random) -> None:
        self.checkout, self.file, self.chance = checkout, file, chance
        self.cluster = Cluster(checkout / "var" / "postgres")

    def play(self, kills: int) -> int:
        run = Run(self.checkout, port=self.chance.randrange(20_000, 30_000))
        for patient in PATIENTS:
            self._ask(NEW_PATIENT, patient)
        feeds = [self._feed("killed-inline"), self._feed("killed-background", "--background")]
        for number in range(1, kills + 1):
            time.sleep(self.chance.uniform(0.2, 2.0))
            victim, kill = self.chance.choice(
                [
                    ("site", self._kill("granian")),
                    ("worker", self._kill("run_worker")),
                    ("Postgres", self._kill_postgres),
                ]
            )
            kill()
            going = sum(feed.poll() is None for feed in feeds)
            print(f"kill {number}: {victim}, while {going} of {len(feeds)} feeds were going on")
        exits = [feed.wait(timeout=600) for feed in feeds]
        quiet = self._feed("quiet").wait(timeout=600)
        wait_until(self._all_runs_ended, seconds=300)
        problems = self._problems()
        run.end(signal.SIGTERM)
        print("\n".join([f"feeds ended with {[*exits, quiet]}", *problems, f"{len(problems)} problems"]))
        return 1 if problems else 0

    def _feed(self, patient: str, *options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "manage.py", "ingest", str(self.file), "--patient", patient, *options]
        return subprocess.Popen(command, cwd=self.checkout, stdout=subprocess.DEVNULL)

    def _kill(self, words: str) -> Callable[[], None]:
        def kill() -> None:
            for pid in processes_in(self.checkout, words)[:1]:
                os.kill(pid, signal.SIGKILL)

        return kill

    def _kill_postgres(self) -> None:
        os.kill(int((self.cluster.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def _all_runs_ended(self) -> bool:
        return not any(self._ask(UNFINISHED, patient)[0][0] for patient in PATIENTS)

    def _problems(self) -> list[str]:
        expected = self._ask(CONVERSATIONS, "quiet")[0][0]
        words = self._ask(WORDS, "quiet")
        print(f"quiet run: {expected} conversations, {len(words)} mentions")
        problems = []
        for patient in PATIENTS[:2]:
            for what, sql in CHECKS.items():
                if (count := self._ask(sql, patient)[0][0]) != (expected if what == "conversations" else 0):
                    problems.append(f"{patient}: {count} {what}")
            if different := set(self._ask(WORDS, patient)) ^ set(words):
                problems.append(f"{patient}: {len(different)} mentions differ from the quiet run")
        return problems

    def _ask(self, sql: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.cluster.start().application) as connection:
            connection.execute("SELECT set_config('homecare.actor_kind', 'system', true)")
            cursor = connection.execute(sql, values)
            return cursor.fetchall() if cursor.description else []


if __name__ == "__main__":
    sys.exit(main())
