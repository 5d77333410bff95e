"""Connect as a module."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import AfterValidator, Field, model_validator

from batchone.contracts.certificates import CertificateJudged, Certificates
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.machines import Connect, EquipmentChanged, SamplesLost
from batchone.contracts.quarantine import Quarantines
from batchone.contracts.sources import Source, Sources, SourcesDeclared
from batchone.contracts.things import Things, ThingsDeclared
from batchone.kernel.certificates import OwnCertificate
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Transaction
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.outbox import Heard
from batchone.kernel.settings import Bytes, Seconds, Settings
from batchone.machines import columns
from batchone.machines.connect import api
from batchone.machines.connect.announce import Announcer
from batchone.machines.connect.certificates import api as certificates_api
from batchone.machines.connect.certificates.service import CertificateService
from batchone.machines.connect.certificates.store import CertificateStore
from batchone.machines.connect.driver import Access, Reach
from batchone.machines.connect.influx import api as influx_api
from batchone.machines.connect.link import Patience
from batchone.machines.connect.panel import KeyedPanel, Panel
from batchone.machines.connect.quarantine import api as quarantine_api
from batchone.machines.connect.quarantine.service import QuarantineService
from batchone.machines.connect.quarantine.store import QuarantineStore
from batchone.machines.connect.service import ConnectService
from batchone.machines.connect.shipping import Bounds
from batchone.machines.connect.sources import api as sources_api
from batchone.machines.connect.sources.service import SourcesService
from batchone.machines.connect.sources.store import SourcesStore
from batchone.machines.connect.store import Store

_LOSSES_TOLD_EVERY_S = 5.0
_QUARANTINE_KEPT_EVERY_S = 5.0
_KEYS_KEPT = timedelta(days=30)
_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


def _mqtt(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in _MQTT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("an MQTT broker is named as mqtt://host:port, or mqtts://host:port over TLS")
    return url


class ConnectSettings(Settings):
    """How machines are reached. All durations are real time, because wires do not run on plant time."""

    machines_host: str = Field(default="127.0.0.1", description="Where the machines' servers are.")
    port_offset: int = Field(default=0, ge=0, le=60_000, description="Added to every port of the packs.")
    mqtt: Annotated[str, AfterValidator(_mqtt)] = Field(
        default="mqtt://127.0.0.1:1883", description="The broker of the machines that speak Sparkplug."
    )
    mqtt_user: str = Field(default="", description="Who we are to that broker; nobody in particular if empty.")
    mqtt_password_file: str = Field(default="", description="The file with the user's password, in `secrets/` of the home.")
    answer: Seconds = Field(default=3.0, gt=0, le=60, description="How long a machine may take to answer.")
    poll: Seconds = Field(default=0.5, gt=0, le=3600, description="Pause between two polls of a Modbus connection.")
    silence: Seconds = Field(default=10.0, gt=0, description="An OPC UA server that says nothing for so long is lost.")
    retry_first: Seconds = Field(default=0.2, gt=0, description="Pause before a lost connection is tried again.")
    retry_longest: Seconds = Field(default=10.0, gt=0, description="The pause doubles up to this.")
    retry_refused: Seconds = Field(default=60.0, gt=0, description="Pause after a server was refused, or refused us.")
    batch: Seconds = Field(default=0.2, gt=0, le=10, description="How long samples are gathered into one batch.")
    batch_rows: int = Field(default=5_000, ge=1, le=100_000, description="So many samples make a batch at once.")
    backlog: Bytes = Field(default=2e9, gt=1e5, description="How much a connection keeps on disk while the bus is away.")
    nodes: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="For an OPC UA connection that follows no guide: signal path to node id, by connection.",
    )

    @model_validator(mode="after")
    def _user_and_password(self) -> ConnectSettings:
        if bool(self.mqtt_user) != bool(self.mqtt_password_file):
            raise ValueError("mqtt_user comes with mqtt_password_file, and the other way round")
        return self

    def reach(self, connection: str, tenant: str) -> Reach:
        """How the machines of a connection are reached."""
        broker = urlsplit(self.mqtt)
        return Reach(
            host=self.machines_host, port_offset=self.port_offset, mqtt_host=broker.hostname or "",
            mqtt_port=broker.port or _MQTT_PORTS[broker.scheme],
            mqtt_access=Access(broker.scheme == "mqtts", self.mqtt_user, self.mqtt_password_file),
            client=f"batchone-{tenant}", answer_s=self.answer, poll_s=self.poll,
            silence_s=self.silence, nodes=self.nodes.get(connection, {}),
        )  # fmt: skip


async def build(context: Context, settings: ConnectSettings) -> Running:
    """The service, its announcer and its panel; links open once it is set to work."""
    store = Store(context.database, context.tenant)
    # Arrow imports pandas, where it is installed, with the first array: a second that no machine should have to wait.
    columns.empty()

    def said(fact: EquipmentChanged) -> None:
        service.said(fact)

    announcer = Announcer(context.bus, store, context.tenant, said)
    source_store = SourcesStore(context.database)
    certificates = CertificateService(
        context.tenant, CertificateStore(context.database, context.tenant),
        OwnCertificate(context.home / "certificates", f"batchone:{context.tenant}", socket.gethostname()),
        context.home / "secrets", SystemClock(), lambda: context.get(Enterprises),
    )  # fmt: skip

    def reach(connection: str) -> Reach:
        return replace(settings.reach(connection, context.tenant), trust=certificates)

    async def declared() -> tuple[Source, ...]:
        return await sources.declared(context.tenant)

    service = ConnectService(
        context, store, announcer, sources=declared, reach_of=reach,
        bounds=Bounds(settings.batch, settings.batch_rows, disk_bytes=int(settings.backlog)),
        patience=Patience(settings.retry_first, settings.retry_longest, settings.retry_refused),
    )  # fmt: skip
    sources = SourcesService(
        context.tenant, source_store, context.clock, lambda: context.get(Things), lambda: context.get(Enterprises),
        taken=service.pack_connections, push=service.push, reach=reach(""), ids=context.ids,
    )  # fmt: skip
    panel = KeyedPanel(service, store, context.clock, lambda: context.get(Enterprises))
    quarantines = QuarantineService(
        context.tenant, QuarantineStore(context.database, context.tenant), context.clock, service.quarantines, sources,
        lambda: context.get(Things), lambda: context.get(Enterprises),
    )  # fmt: skip

    async def changed(_: Transaction, __: Heard) -> None:
        """Nothing to store; `after_hearing` looks at packs, things and declared connections again."""

    async def after_hearing(heard: Sequence[Heard]) -> None:
        service.reopen([each.fact.server for each in heard if isinstance(each.fact, CertificateJudged)])

    return Running(
        provides={
            Connect: service,
            Panel: panel,
            Sources: sources,
            Certificates: certificates,
            Quarantines: quarantines,
        },
        hears={
            ProductReleased: changed,
            ThingsDeclared: changed,
            SourcesDeclared: changed,
            CertificateJudged: changed,
        },
        work={
            "links": service.run,
            "remembers": service.remember,
            "forgets": lambda: store.forget_commands(context.clock.now() - _KEYS_KEPT),
            "live": announcer.tell_live,
            "facts": announcer.tell_facts,
            "quarantine": lambda: quarantines.keep(_QUARANTINE_KEPT_EVERY_S),
            "losses": lambda: service.tell_losses(_LOSSES_TOLD_EVERY_S),
        },
        after_hearing=after_hearing,
    )


def router(context: Context) -> APIRouter:
    """The routes of machines and of declared connections."""
    routes = APIRouter()
    routes.include_router(api.router(context))
    routes.include_router(sources_api.router(context))
    routes.include_router(certificates_api.router(context))
    routes.include_router(quarantine_api.router(context))
    routes.include_router(influx_api.router(context))
    return routes


MODULE = Module(
    name="connect", build=build, settings=ConnectSettings, provides=(Connect, Panel, Sources, Certificates, Quarantines),
    requires=(Design, Enterprises, Things), hears=(ProductReleased, ThingsDeclared, SourcesDeclared, CertificateJudged),
    says=(EquipmentChanged, SamplesLost, SourcesDeclared, CertificateJudged), schema="connect",
    migrations=Path(__file__).parent / "migrations", router=router,
)  # fmt: skip
