"""Files: letters, lists and transcripts become conversations, and stay as they were sent."""

import io
import subprocess
import sys
import zlib
from collections.abc import Iterable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from pypdf import PdfReader, PdfWriter

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories.files.opening import FileRefused, open_file
from memories.ingestion import carry_out
from memories.models import Conversation, ExtractionRun, Memory, SourceFile, Turn
from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import ApiClient, actor_for, directing, person, token_for

VTT = b"""WEBVTT

00:00:01.000 --> 00:00:04.000
<v Nurse>Any allergies

00:00:04.000 --> 00:00:05.500
<v Nurse>I should know of?

00:00:06.000 --> 00:00:08.000
<v Patient>Penicillin.
"""
SRT = b"""1
00:00:01,000 --> 00:00:04,000
Nurse: Any allergies I should know of?

2
00:00:06,000 --> 00:00:08,000
Patient: Penicillin.
"""


def pdf(*pages: Iterable[str], declared: bytes = b"") -> bytes:
    """A PDF made by hand, these lines on each page; `declared` is a stream instead of the first page's."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for number, lines in enumerate(pages):
        words = "".join(f"({line}) Tj 0 -14 Td " for line in lines)
        stream = declared if declared and number == 0 else f"BT /F1 12 Tf 50 750 Td {words}ET".encode()
        form = b"/Filter /FlateDecode " if declared and number == 0 else b""
        content = len(objects) + 1
        objects.append(b"<< %s/Length %d >>\nstream\n%s\nendstream" % (form, len(stream), stream))
        kids.append(len(objects) + 1)
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R"
        objects.append(f"{page} /Resources << /Font << /F1 3 0 R >> >> >>".encode())
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<< /Type /Pages /Kids [{listed}] /Count {len(kids)} >>".encode()
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, out.rindex(b"xref\n"))


LETTER = pdf(
    ["Discharge letter", "Allergies: penicillin, with hives", "Medications:", "Lisinopril 10 mg once daily"],
    ["Metformin 500 mg twice a day", "She was told to call if the wound", "opens again."],
)


def encrypted(content: bytes) -> bytes:
    writer, out = PdfWriter(clone_from=PdfReader(io.BytesIO(content))), io.BytesIO()
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


def send(api: ApiClient, content: bytes, name: str = "letter.pdf", **fields: Any) -> tuple[int, Any]:
    body = {"patient_id": "patient_123", "file": SimpleUploadedFile(name, content)} | fields
    response = Client.post(api, "/api/v1/files", body)
    return response.status_code, response.json()


# --- what is in a file -----------------------------------------------------------------------------------------------


def test_a_pdf_is_read_line_by_line_with_its_pages() -> None:
    turns = open_file(LETTER, name="anything.bin").conversations[0].utterances
    assert [(turn.place, turn.text) for turn in turns][1:] == [
        ("page 1", "Allergies: penicillin, with hives"),
        ("page 1", "Medications:"),
        ("page 1", "Lisinopril 10 mg once daily"),
        ("page 2", "Metformin 500 mg twice a day"),
        ("page 2", "She was told to call if the wound opens again."),
    ]


@pytest.mark.parametrize("content", [VTT, SRT, b"\xef\xbb\xbf" + SRT, VTT.replace(b"\n", b"\r\n")])
def test_a_transcript_is_read_by_speakers_with_its_times(content: bytes) -> None:
    turns = open_file(content, name="talk.txt").conversations[0].utterances
    assert [(turn.speaker, turn.text, turn.role) for turn in turns] == [
        ("Nurse", "Any allergies I should know of?", "clinician"),
        ("Patient", "Penicillin.", "patient"),
    ]
    assert turns[1].place == "00:00:06.000 to 00:00:08.000"


def test_text_and_json_are_told_apart_by_what_is_in_them() -> None:
    for content in (b'[{"role": "nurse", "content": "Hello"}]', b'{"role": "nurse", "content": "Hello"}'):
        opened = open_file(content, name="talk.txt")
        assert (opened.media_type, opened.conversations[0].utterances[0].text) == ("application/json", "Hello")
    opened = open_file(b"Nurse: Hello", name="talk.json")
    assert (opened.media_type, opened.conversations[0].utterances[0].speaker) == ("text/plain", "Nurse")


REFUSED = {
    "empty": (b"  \n", "empty"),
    "broken": (b"%PDF-1.4\nnothing else", "broken"),
    "cut": (LETTER[: len(LETTER) // 2], "broken|No words"),
    "no-words": (pdf([]), "scan"),
    "image": (b"\x89PNG\r\n\x1a\n" + b"0" * 50, "PNG image"),
    "program": (b"\x7fELF\x02\x01\x01" + b"\x00" * 20, "neither"),
    "archive": (b"PK\x03\x04" + b"\xff" * 20, "neither"),
    "latin": ("Größe".encode("latin-1"), "UTF-8"),
    "half-json": (b'[{"role": "nurse"}]', "Mend it"),
    "cues": (b"WEBVTT\n\nnothing", "No words"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_in_a_sentence(kind: str) -> None:
    content, said = REFUSED[kind]
    with pytest.raises(FileRefused, match=said):
        open_file(content, name="letter.pdf")


def test_an_encrypted_pdf_says_what_to_do() -> None:
    with pytest.raises(FileRefused, match="without a password"):
        open_file(encrypted(LETTER), name="letter.pdf")


def test_a_bomb_is_refused_and_ends_no_process_of_ours() -> None:
    bomb = zlib.compress(b"BT /F1 12 Tf " + b"(penicillin) Tj " * 12_000_000 + b"ET", 9)
    assert len(bomb) < 2_000_000
    with pytest.raises(FileRefused, match=r"too long|broken"):
        open_file(pdf(["x"], declared=bomb), name="letter.pdf")
    with pytest.raises(FileRefused, match="too long"):
        open_file(pdf(*[["x"]] * 201), name="letter.pdf")


def test_a_file_that_is_too_large_is_refused_unread(settings: Any) -> None:
    settings.MAX_FILE_BYTES = 1024**2
    with pytest.raises(FileRefused, match="at most 1 MB"):
        open_file(b"x" * (1024**2 + 1), name="note.txt")


def test_no_web_process_loads_what_reads_pdfs() -> None:
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'homecare.settings'; django.setup();"
        "import homecare.urls; sys.exit('pypdf' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


# --- sent over REST --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_letter_becomes_memories_that_name_its_page(
    mrs_hale: Patient, carl: User, carl_api: ApiClient, nora_api: ApiClient
) -> None:
    status, taken = send(carl_api, LETTER, "letter of June.pdf")
    assert (status, taken["is_new"], taken["file"]["media_type"]) == (202, True, "application/pdf")
    run = taken["conversations"][0]
    carry_out(run_id=run["run_id"], patient_id=mrs_hale.pk, by=actor_for(carl))
    with directing():
        metformin = Memory.objects.get(about="metformin")
        assert set(Memory.objects.critical().values_list("about", flat=True)) == {
            "penicillin",
            "lisinopril",
            "metformin",
        }
    mention = nora_api.call("GET", f"memories/{metformin.pk}")[1]["mentions"][0]
    assert (mention["place"], mention["source"], mention["quote"][:9]) == ("page 2", "file", "Metformin")
    browser = Client()
    with directing():
        browser.login(username="carl", password="correct-horse-battery")
    page = browser.get(f"/admin/memories/conversation/{run['conversation_id']}/change/").content.decode()
    assert "(page 2)" in page


@pytest.mark.django_db
def test_the_same_file_is_taken_in_once(mrs_hale: Patient, carl_api: ApiClient) -> None:
    first, again = send(carl_api, LETTER)[1], send(carl_api, LETTER, "copy.pdf")[1]
    assert again == first | {"is_new": False}
    with directing():
        assert (SourceFile.objects.count(), Conversation.objects.count(), ExtractionRun.objects.count()) == (1, 1, 1)


@pytest.mark.django_db
def test_a_file_is_handed_out_as_it_was_sent_to_who_may_see_the_patient(
    mrs_hale: Patient, mr_stone: Patient, carl_api: ApiClient
) -> None:
    key = send(carl_api, LETTER, "Mrs Hale <script>.pdf")[1]["file"]["id"]
    response = carl_api.get(f"/api/v1/files/{key}")
    assert (response.content, response.headers["Content-Type"]) == (LETTER, "application/octet-stream")
    assert response.headers["Content-Disposition"] == f'attachment; filename="file-{key}.pdf"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    listed = carl_api.call("GET", "patients/patient_123/files")[1]["results"]
    assert [(file["id"], file["size"]) for file in listed] == [(key, len(LETTER))]
    with directing():
        assert AccessLog.objects.filter(event=Event.EXPORT, object_ids=[key], actor_label="carl").count() == 1
        vera = person("vera", Role.CLINICIAN)
        CareAssignment.objects.create(user=vera, patient=mr_stone, role=Role.CLINICIAN)
        stranger = ApiClient(token_for(vera))
    assert stranger.call("GET", f"files/{key}")[0] == 404
    assert stranger.call("GET", "patients/patient_123/files")[0] == 404
    assert send(stranger, LETTER)[0] == 404
    with acting_as(actor_for(vera)):
        assert not SourceFile.objects.exists(), "the database shows it to nobody else either"


@pytest.mark.django_db
def test_a_file_on_record_cannot_be_changed(mrs_hale: Patient, carl_api: ApiClient) -> None:
    send(carl_api, LETTER)
    for change in ("UPDATE memories_sourcefile SET content = ''", "DELETE FROM memories_sourcefile"):
        with pytest.raises(DatabaseError), directing(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


@pytest.mark.django_db
def test_a_refused_file_leaves_nothing(mrs_hale: Patient, carl_api: ApiClient, settings: Any) -> None:
    for content, fields in ((b"%PDF-1.4\nno", {}), (LETTER, {"patient_id": "nobody"}), (LETTER, {"tittle": "x"})):
        status, refused = send(carl_api, content, **fields)
        assert status in (400, 404), refused
    assert carl_api.call("POST", "files", {"patient_id": "patient_123"})[0] == 415
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    assert send(carl_api, LETTER)[0] == 413
    with directing():
        assert not SourceFile.objects.exists()
        assert not Turn.objects.exists()
