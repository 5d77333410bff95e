"""An object store that speaks S3: a bucket of Amazon's, or of any of the servers that speak the same."""

from __future__ import annotations

import configparser
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pyarrow import fs

from batchone.kernel.errors import Refused
from batchone.machines.history.objects import CHUNK, Stored, absent, away

_CONNECT_S = 3.0
_ATTEMPTS = 2


@dataclass(frozen=True)
class S3Keys:
    """Who asks. The secret does not show when this is printed."""

    access: str
    secret: str = field(repr=False)


def keys_from(environment: Mapping[str, str], file: Path) -> S3Keys:
    """The keys of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or of a file such as `~/.aws/credentials`: the lines
    `aws_access_key_id = ...` and `aws_secret_access_key = ...` below `[default]`. `Refused` when there are none."""
    found = environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", "")
    if not all(found):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(file.read_text())
            section = parser["default"]
            found = section["aws_access_key_id"], section["aws_secret_access_key"]
        except (OSError, KeyError, configparser.Error):
            what = f"There are no keys to the object store, neither in the environment nor in {file}."
            # A fault of the file may cite its line, and so the secret.
            raise Refused("history.objects_keys", what, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.") from None
    return S3Keys(*found)


class S3Objects:
    """Objects of a bucket, below a prefix that may be empty. An object of up to ten megabytes, which a segment hardly ever
    is beyond, is put by one request, so that a cut one leaves nothing; what is left of cut larger ones a rule of the
    bucket should clear (abort incomplete multipart uploads). A server that says nothing for `silent_s` real seconds, twice,
    is away."""

    def __init__(
        self, bucket: str, prefix: str, keys: S3Keys, *, endpoint: str = "", region: str = "us-east-1", silent_s: float = 30.0
    ) -> None:  # fmt: skip
        self._bucket = bucket
        self._root = "/".join(part for part in (bucket, prefix.strip("/")) if part)
        self._fs = fs.S3FileSystem(
            access_key=keys.access, secret_key=keys.secret, region=region, endpoint_override=endpoint or None,
            connect_timeout=_CONNECT_S, request_timeout=silent_s, allow_delayed_open=True,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        )  # fmt: skip

    @property
    def where(self) -> str:
        """Bucket and prefix."""
        return f"s3://{self._root}"

    def put(self, key: str, data: BinaryIO) -> None:
        """Store an object; it is there when the last byte is."""
        try:
            with self._fs.open_output_stream(f"{self._root}/{key}") as sink:
                shutil.copyfileobj(data, sink, CHUNK)
        except OSError as error:
            raise away(self.where, error) from error

    def read(self, key: str) -> Iterator[bytes]:
        """An object's bytes."""
        try:
            with self._fs.open_input_stream(f"{self._root}/{key}") as data:
                while part := data.read(CHUNK):
                    yield part
        except FileNotFoundError as error:
            # So does a bucket answer that is not there.
            self.check()
            raise absent(self.where, key) from error
        except OSError as error:
            raise away(self.where, error) from error

    def stored(self, prefix: str = "") -> Iterator[Stored]:
        """The objects below a prefix."""
        self.check()
        folder = f"{self._root}/{prefix}".rstrip("/")
        try:
            found = self._fs.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
        except OSError as error:
            raise away(self.where, error) from error
        files = [each for each in found if each.type == fs.FileType.File]
        yield from sorted(
            (Stored(each.path.removeprefix(f"{self._root}/"), each.size) for each in files), key=lambda each: each.key
        )

    def remove(self, key: str) -> None:
        """Remove an object."""
        try:
            self._fs.delete_file(f"{self._root}/{key}")
        except FileNotFoundError:
            self.check()
        except OSError as error:
            raise away(self.where, error) from error

    def check(self) -> None:
        """Whether the bucket is there, and we may look into it."""
        try:
            found = self._fs.get_file_info(self._bucket)
        except OSError as error:
            raise away(self.where, error) from error
        if found.type == fs.FileType.NotFound:
            raise away(self.where, f"there is no bucket {self._bucket}")
