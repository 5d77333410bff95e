"""Customers' pictures: looked at by decoding them, kept in files that are called by the digest of their content."""

from __future__ import annotations

import hashlib
import io
import os
import re
import warnings
from pathlib import Path
from typing import cast

from PIL import Image

from batchone.contracts.choosing import Picture, PictureFormat
from batchone.kernel.errors import NotFound, Refused

BYTES_MAX = 4_000_000
PIXELS_MAX = 25_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def look_at(content: bytes) -> Picture:
    """What a picture is, found by decoding it whole; refused when it is none, too large, or moves.

    Its size in pixels is read before anything is decoded, so a small file cannot ask for much memory.
    """
    if len(content) > BYTES_MAX:
        raise _refused("size", f"The picture has {len(content)} bytes.", f"Send at most {BYTES_MAX}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                width, height = picture.size
                if width * height > PIXELS_MAX:
                    raise _refused(
                        "pixels", f"The picture has {width} × {height} pixels.", f"Send at most {PIXELS_MAX} in all."
                    )
                if getattr(picture, "n_frames", 1) > 1:
                    raise _refused("moves", "The picture moves.", "Send a still picture.")
                picture.load()
                kind = str(picture.format).lower()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused("pixels", "The picture has very many pixels.", f"Send {PIXELS_MAX} at most.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise _refused("format", "This cannot be read as a picture.", "Send a whole PNG, JPEG or WebP file.") from error
    return Picture(hashlib.sha256(content).hexdigest(), cast(PictureFormat, kind), len(content), width, height)


class PictureFiles:
    """A folder of pictures by digest, two letters a folder. A file is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, digest: str, content: bytes) -> None:
        """Keep a content; it is on the disk when this returns."""
        path = self._path(digest)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def read(self, digest: str) -> bytes:
        """The content of a digest."""
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise unknown_picture(digest) from error

    def _path(self, digest: str) -> Path:
        if not _DIGEST.match(digest):
            raise unknown_picture(digest)
        return self._folder / digest[:2] / digest


def unknown_picture(digest: str) -> NotFound:
    """There is no such picture."""
    return NotFound("design.unknown_picture", "There is no such picture.", "Send it first.", picture=digest[:64])


def _refused(code: str, what: str, cure: str) -> Refused:
    return Refused(f"design.picture_{code}", what, cure)
