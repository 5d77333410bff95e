"""A mail server and a receiver of webhooks on this machine, small and real: they speak the protocols over a socket."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TypeVar

T = TypeVar("T", "MailServer", "Receiver")


@dataclass
class MailServer:
    """Takes e-mails (RFC 5321), or answers `says` instead to the named command."""

    port: int = 0
    took: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)
    drop_after_data: int = 0
    """So many times the connection breaks after the e-mail was taken, before it is said."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""

        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 test ESMTP")
        while line := (await reader.readline()).decode().strip():
            command = line.split(":")[0].split()[0].upper()
            if command in self.says:
                await say(self.says[command])
            elif command == "DATA":
                await say("354 go on")
                data = await reader.readuntil(b"\r\n.\r\n")
                made = email.message_from_bytes(data[:-5].replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
                assert isinstance(made, EmailMessage)
                self.took.append(made)
                if self.drop_after_data:
                    self.drop_after_data -= 1
                    break
                await say("250 taken")
            elif command == "QUIT":
                await say("221 bye")
                break
            else:
                if command == "RCPT":
                    self.to.append(line.partition(":")[2].strip("<> "))
                await say("250 fine")
        writer.close()


@dataclass
class Posted:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Takes HTTP requests and answers with `statuses`, one after the other, the last one for ever."""

    port: int = 0
    took: list[Posted] = field(default_factory=list)
    statuses: list[int] = field(default_factory=lambda: [204])
    location: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.took.append(Posted(head[0].split()[1], headers, body))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        more = f"location: {self.location}\r\n" if self.location else ""
        writer.write(f"HTTP/1.1 {status} said\r\ncontent-length: 0\r\nconnection: close\r\n{more}\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(what: T) -> AsyncIterator[T]:
    """Listen on a free port of this machine."""
    server = await asyncio.start_server(what.serve, "127.0.0.1", 0)
    what.port = server.sockets[0].getsockname()[1]
    try:
        yield what
    finally:
        server.close()
