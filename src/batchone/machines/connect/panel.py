"""What people do at machines: commands with an idempotency key, on record."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson

from batchone.contracts.enterprises import Actor, Enterprises
from batchone.contracts.machines import Connect, JobOrder, JobReport
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Conflict, Refused, TryLater, from_wire, to_wire
from batchone.kernel.facts import adapter
from batchone.machines.connect.jobs import order_to_json
from batchone.machines.connect.store import CommandKey, Store


class Panel(Protocol):
    """Commands of people. The same key again runs nothing again: it answers what it answered the first time."""

    async def start(self, equipment: str, order: JobOrder, actor: Actor, key: str) -> JobReport:
        """Give a job to a machine by hand."""
        ...

    async def abort(self, equipment: str, job: str, actor: Actor, key: str) -> None:
        """Stop a running job."""
        ...

    async def clear(self, equipment: str, job: str, actor: Actor, key: str) -> None:
        """Let a machine forget an ended job."""
        ...


class KeyedPanel:
    """Runs each command once per person and key, keeps its answer, and has it recorded.

    A command that a machine did not answer keeps its key open: sending it again asks the machine again, which by its
    protocol does nothing twice.
    """

    def __init__(
        self, connect: Connect, store: Store, clock: Clock, enterprises: Callable[[], Enterprises]
    ) -> None:  # fmt: skip
        self._connect = connect
        self._store = store
        self._clock = clock
        self._enterprises = enterprises
        self._under_way: set[CommandKey] = set()

    async def start(self, equipment: str, order: JobOrder, actor: Actor, key: str) -> JobReport:
        """Give a job to a machine by hand."""
        report: JobReport = await self._once(
            actor, key, "machine.start", equipment, order.job, order_to_json(order), JobReport,
            lambda: self._connect.start_job(actor.tenant, equipment, order),
        )  # fmt: skip
        return report

    async def abort(self, equipment: str, job: str, actor: Actor, key: str) -> None:
        """Stop a running job."""
        await self._once(
            actor, key, "machine.abort", equipment, job, "", type(None),
            lambda: self._connect.abort_job(actor.tenant, equipment, job),
        )  # fmt: skip

    async def clear(self, equipment: str, job: str, actor: Actor, key: str) -> None:
        """Let a machine forget an ended job."""
        await self._once(
            actor, key, "machine.clear", equipment, job, "", type(None),
            lambda: self._connect.clear_job(actor.tenant, equipment, job),
        )  # fmt: skip

    async def _once(
        self, actor: Actor, key: str, action: str, equipment: str, job: str, body: str, kind: Any,
        run: Callable[[], Awaitable[object]],
    ) -> Any:  # fmt: skip
        name = CommandKey(actor.tenant, actor.person, key)
        request = hashlib.sha256("\0".join((action, equipment, job, body)).encode()).hexdigest()
        kept = await self._store.claim(name, request, self._clock.now())
        if kept.request != request:
            raise Conflict("command.key", "This Idempotency-Key was used for another command.", "Send a new key.")
        answer, subject = kept.answer, f"{equipment}/{job}"
        if answer is None:
            try:
                answer = await self._run(name, kind, run)
            except TryLater as error:
                await self._enterprises().record(actor, action, subject, key, "unanswered", {"code": error.code})
                raise
        if not kept.recorded:
            refused = orjson.loads(answer).get("error")
            outcome, details = ("refused", {"code": refused["code"]}) if refused else ("done", {})
            await self._enterprises().record(actor, action, subject, key, outcome, details)
            await self._store.recorded(name)
        return _opened(answer, kind)

    async def _run(self, name: CommandKey, kind: Any, run: Callable[[], Awaitable[object]]) -> str:
        if name in self._under_way:
            raise TryLater("command.under_way", "This command is under way.")
        self._under_way.add(name)
        try:
            answer = b'{"ok":' + adapter(kind).dump_json(await run()) + b"}"
        except Refused as error:
            answer = orjson.dumps({"error": to_wire(error)})
        finally:
            self._under_way.discard(name)
        await self._store.answer(name, answer.decode())
        return answer.decode()


def _opened(answer: str, kind: Any) -> Any:
    data = orjson.loads(answer)
    if "error" in data:
        raise from_wire(data["error"])
    return adapter(kind).validate_python(data["ok"], strict=False)
