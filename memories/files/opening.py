"""From the bytes of a file to conversations, by what is in it and not by its name.

>>> open_file(content, name="letter.pdf").conversations[0].utterances[0]
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import webvtt
from django.conf import settings
from webvtt.errors import MalformedCaptionError, MalformedFileError

from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of
from memories.transcripts import Transcript, Transcripts, parse_transcripts

PDF_TEXT = Path(__file__).with_name("pdf_text.py")
#: Seconds that a PDF may take in all; its process has fewer of the processor.
PATIENCE = 30
#: A cue that goes on with the one before is one turn with it, up to so many characters.
LONGEST_MERGED = 600

_SRT = re.compile(r"\s*\d+\s*\n\s*\d+:\d{1,2}:\d{1,2}[,.]\d+\s*-->")
_SPEAKER = re.compile(r"(?P<speaker>[^\W\d_][\w .'()-]{0,40}?):\s+(?P<text>\S.*)", re.DOTALL)
_IMAGES = {b"\x89PNG\r\n\x1a\n": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image"}
_PROBLEMS = {
    "encrypted": "This PDF is encrypted: save it without a password, and send it again.",
    "broken": "This PDF is broken: open it, save it anew, and send it again.",
    "long": "This PDF is too long: send its parts one by one.",
}


class FileRefused(ValueError):
    """Why a file is not taken in: one sentence that says what to do, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a file is (`media_type`), and the conversations in it, each with a source id of its own."""

    media_type: str
    conversations: Sequence[Transcript]


def open_file(content: bytes, *, name: str) -> Opened:
    """Read a file: PDF, VTT, SRT, JSON, JSON Lines or plain text. Raises `FileRefused`."""
    if not content.strip():
        raise FileRefused("This file is empty: send one with words in it.")
    if len(content) > settings.MAX_FILE_BYTES:
        raise FileRefused(f"This file is too large: send at most {settings.MAX_FILE_BYTES // 1024**2} MB.")
    if content[:1024].lstrip().startswith(b"%PDF-"):
        return _opened("application/pdf", [Transcript(_of_pages(_pages(content)), "page 1")], content)
    if image := next((what for magic, what in _IMAGES.items() if content.startswith(magic)), ""):
        raise FileRefused(f"This is {image}, and no model that reads images is set up: send its words as text.")
    text = _text(content)
    if text.lstrip("\ufeff").startswith("WEBVTT"):
        return _opened("text/vtt", [_of_cues(text, "vtt")], content)
    if _SRT.match(text.lstrip("\ufeff")):
        return _opened("application/x-subrip", [_of_cues(text, "srt")], content)
    return _of_text(content, text, name)


def _text(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise FileRefused("This is neither a PDF nor text in UTF-8: send it as one of these.") from None
    if any(character < " " and character not in "\t\r\n\f" for character in text):
        raise FileRefused("This is neither a PDF nor plain text: send it as one of these.")
    return text


def _opened(media_type: str, conversations: Sequence[Transcript], content: bytes) -> Opened:
    if not any(turn.text.strip() for conversation in conversations for turn in conversation.utterances):
        raise FileRefused("No words were found in this file: if it is a scan, send its words as text.")
    digest = sha256(content).hexdigest()[:32]
    return Opened(
        media_type,
        [
            conversation if conversation.source_id else replace(conversation, source_id=f"{digest}-{number}")
            for number, conversation in enumerate(conversations, 1)
        ],
    )


# --- text and JSON ---------------------------------------------------------------------------------------------------


def _of_text(content: bytes, text: str, name: str) -> Opened:
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        name = f"{Path(name).stem}.{'json' if _is_json(text) else 'jsonl'}"
        media_type = "application/json"
    else:
        name, media_type = f"{Path(name).stem}.txt", "text/plain"
    found: Transcripts = parse_transcripts(content, name=name)
    if found.problems:
        raise FileRefused(f"{found.problems[0]} Mend it, and send the file again.")
    return _opened(media_type, found.conversations, content)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


# --- PDF -------------------------------------------------------------------------------------------------------------


def _pages(content: bytes) -> list[str]:
    """The text of each page, read by a process with little memory, time and rights. Raises `FileRefused`."""
    try:
        done = subprocess.run(  # noqa: S603 because both words are ours
            [sys.executable, "-I", str(PDF_TEXT)],
            input=content,
            capture_output=True,
            timeout=PATIENCE,
            env={},
            check=False,
        )
        answer = json.loads(done.stdout) if done.returncode == 0 else {"problem": "long"}
    except (subprocess.TimeoutExpired, ValueError):
        answer = {"problem": "long"}
    if problem := answer.get("problem"):
        raise FileRefused(_PROBLEMS[problem])
    return list(answer["pages"])


def _of_pages(pages: Sequence[str]) -> tuple[Utterance, ...]:
    """A turn a line, as in a list; lines that a page's edge has broken are one again."""
    return tuple(
        Utterance("", line, place=f"page {number}")
        for number, page in enumerate(pages, 1)
        for line in _mended(page.replace("\x00", ""))
    )


def _mended(page: str) -> Iterator[str]:
    held = ""
    for line in (" ".join(line.split()) for line in page.splitlines()):
        if held and line[:1].islower() and not held.endswith((".", "!", "?", ":", ";")):
            held = f"{held} {line}"
            continue
        if held:
            yield held
        held = line
    if held:
        yield held


# --- transcripts -----------------------------------------------------------------------------------------------------


def _of_cues(text: str, form: str) -> Transcript:
    """A turn for what one speaker says in cues that follow each other, with the time from the first to the last."""
    try:
        captions = webvtt.from_buffer(text.lstrip("\ufeff").splitlines(keepends=True), format=form)
    except (MalformedFileError, MalformedCaptionError, ValueError):
        raise FileRefused("This transcript is broken: export it anew as VTT or SRT, and send it again.") from None
    turns: list[tuple[str, str, str, str]] = []
    for cue in captions.captions:
        speaker, said = _who(cue.voice or "", " ".join(cue.text.split()))
        if turns and _goes_on(turns[-1], speaker, said):
            before = turns.pop()
            turns.append((before[0], f"{before[1]} {said}", before[2], cue.end))
        elif said:
            turns.append((speaker, said, cue.start, cue.end))
    spoken = (Utterance(who, said, role_of(who), place=f"{start} to {end}") for who, said, start, end in turns)
    return Transcript(tuple(spoken), "the first cue")


def _who(voice: str, said: str) -> tuple[str, str]:
    labelled = None if voice else _SPEAKER.fullmatch(said)
    return (labelled["speaker"], labelled["text"]) if labelled else (voice, said)


def _goes_on(before: tuple[str, str, str, str], speaker: str, said: str) -> bool:
    """Whether a cue goes on with a sentence that the one before began."""
    same = speaker == before[0] or not speaker
    return same and not before[1].endswith((".", "!", "?")) and len(before[1]) + len(said) < LONGEST_MERGED
