import json
from datetime import UTC, datetime

import pytest

from memories.choices import SpeakerRole
from memories.extraction.candidates import Utterance
from memories.transcripts import parse_transcripts


def spoken(content: str | bytes, name: str) -> list[list[tuple[str, str]]]:
    raw = content.encode() if isinstance(content, str) else content
    parsed = parse_transcripts(raw, name=name)
    return [[(turn.speaker, turn.text) for turn in conversation.utterances] for conversation in parsed.conversations]


def test_text_is_a_dialogue_when_its_first_line_names_a_speaker() -> None:
    text = "Nurse: Morning! Slept?\n\nMrs. Okafor: Barely. My hip.\nAnd the dog barked.\n"
    assert spoken(text, "visit.txt") == [
        [("Nurse", "Morning! Slept?"), ("Mrs. Okafor", "Barely. My hip.\nAnd the dog barked.")]
    ]


def test_text_is_a_note_when_its_first_line_names_none() -> None:
    assert spoken("Came at eight.\nBP: 148/82\n", "note") == [[("", "Came at eight."), ("", "BP: 148/82")]]


def test_a_time_of_day_is_no_speaker() -> None:
    assert spoken("8:30: she was up\n", "note.txt") == [[("", "8:30: she was up")]]


def test_json_list_of_turns_is_one_conversation() -> None:
    turns = ["He naps a lot.", {"role": "nurse", "content": "Since when?"}, {"speaker": "Tom", "text": "Sunday."}]
    assert spoken(json.dumps(turns, indent=1), "said.json") == [
        [("", "He naps a lot."), ("nurse", "Since when?"), ("Tom", "Sunday.")]
    ]


def test_roles_are_read_from_labels() -> None:
    parsed = parse_transcripts(b'[{"role": "nurse", "content": "Hello."}]', name="a.json")
    assert parsed.conversations[0].utterances == (Utterance("nurse", "Hello.", SpeakerRole.CLINICIAN),)


def test_json_conversation_keeps_its_day_and_id() -> None:
    said = {"conversation": ["Hello."], "said_at": "2026-03-04", "source_id": "visit-7", "title": "A visit"}
    (conversation,) = parse_transcripts(json.dumps(said).encode(), name="a.json").conversations
    assert (conversation.said_at, conversation.source_id, conversation.title) == (
        datetime(2026, 3, 4, tzinfo=UTC),
        "visit-7",
        "A visit",
    )


def test_json_lines_of_turns_are_one_conversation() -> None:
    lines = '{"role": "aide", "content": "She ate."}\n"All of it?"\n'
    assert spoken(lines, "turns.jsonl") == [[("aide", "She ate."), ("", "All of it?")]]


def test_json_lines_of_conversations_are_several() -> None:
    lines = "".join(
        json.dumps({"id": name, "utterances": [{"speaker": "Aide", "text": text}], "gold": {"any": "thing"}}) + "\n"
        for name, text in (("a", "One."), ("b", "Two."))
    )
    parsed = parse_transcripts(lines.encode(), name="dialogues.jsonl")
    assert [conversation.source_id for conversation in parsed.conversations] == ["a", "b"]


def test_json_lines_in_a_file_called_json_are_read() -> None:
    assert spoken('"One."\n"Two."\n', "turns.json") == [[("", "One."), ("", "Two.")]]


def test_broken_lines_are_named_and_the_rest_goes_on() -> None:
    lines = b'"Fine."\n{"role": "aide"\n42\n\xff\n"Also fine."\n'
    parsed = parse_transcripts(lines, name="turns.jsonl")
    assert [turn.text for turn in parsed.conversations[0].utterances] == ["Fine.", "Also fine."]
    assert [problem.split(" ")[:2] for problem in parsed.problems] == [
        ["Line", "4"],
        ["Line", "2"],
        ["Line", "3:"],
    ]


def test_problems_quote_nothing() -> None:
    parsed = parse_transcripts(b'{"conversation": [{"secret": "diagnosis"}], "said_at": "diagnosis"}\n', name="a.jsonl")
    assert "diagnosis" not in " ".join(parsed.problems)


@pytest.mark.parametrize(
    "broken", ['{"conversation": "text"}', '{"conversation": []}', '{"conversation": ["a"], "said_at": "yesterday"}']
)
def test_a_broken_conversation_is_named_by_its_line(broken: str) -> None:
    parsed = parse_transcripts(f'{{"id": "ok", "turns": ["Fine."]}}\n{broken}\n'.encode(), name="a.jsonl")
    assert len(parsed.conversations) == 1
    assert parsed.problems[0].startswith("Line 2: ")


def test_a_broken_document_is_named_once() -> None:
    parsed = parse_transcripts(b'[\n "a",\n "b"\n "c"\n]', name="a.json")
    assert parsed.problems == ["Line 4 is not JSON."]


def test_an_empty_file_has_no_conversation() -> None:
    assert all(parse_transcripts(b"\n", name=name).conversations == [] for name in ("a.txt", "a.jsonl"))


def test_made_up_ids_survive_a_line_that_is_added() -> None:
    first = parse_transcripts(b'{"turns": ["One."]}\n', name="a.jsonl")
    longer = parse_transcripts(b'{"turns": ["Zero."]}\n{"turns": ["One."]}\n{"turns": ["One."]}\n', name="a.jsonl")
    ids = [conversation.source_id for conversation in longer.conversations]
    assert first.conversations[0].source_id == ids[1]
    assert len(set(ids)) == 3


def test_made_up_ids_differ_between_files() -> None:
    monday, tuesday = (parse_transcripts(b"All well.", name=name) for name in ("monday.txt", "tuesday.txt"))
    assert monday.conversations[0].source_id != tuesday.conversations[0].source_id
