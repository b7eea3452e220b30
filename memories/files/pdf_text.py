"""The text of a PDF's pages, in a process of its own: `python -I pdf_text.py < letter.pdf` prints JSON.

A PDF can be made to eat all memory and time: this process has little of either. It imports nothing of ours, and no web
process imports it.
"""

import io
import json
import resource
import sys

MEMORY = 600 * 1024 * 1024
SECONDS = 20
MOST_PAGES, MOST_CHARACTERS = 200, 400_000


def read(content: bytes) -> dict[str, object]:
    """`{"pages": [text, ...]}`, or `{"problem": word}`: encrypted, broken, long."""
    from pypdf import PdfReader  # noqa: PLC0415 because it is to be loaded within the limits
    from pypdf.errors import PyPdfError  # noqa: PLC0415 as above

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"problem": "encrypted"}
        if len(reader.pages) > MOST_PAGES:
            return {"problem": "long"}
        pages, left = [], MOST_CHARACTERS
        for page in reader.pages:
            text = page.extract_text()
            left -= len(text)
            if left < 0:
                return {"problem": "long"}
            pages.append(text)
    except MemoryError:
        return {"problem": "long"}
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, RecursionError):
        return {"problem": "broken"}
    return {"pages": pages}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.stdout.write(json.dumps(read(sys.stdin.buffer.read())))
