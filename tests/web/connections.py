"""Connections, certificates and quarantine of the made-up plant: an air house that is connected, an oven that does not answer,
and probes that come to what their address says (`untrusted`, `insecure`, `away`, `ours`, `slow`, else a pump)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.web.machines import FakeMachines
from tests.web.world import World

from batchone.contracts.certificates import PlatformCertificate, ServerCertificate
from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Limits
from batchone.contracts.quarantine import OTHERS, Quarantined
from batchone.contracts.sources import Evidence, Failure, Found, Look, Point, Probed, Source
from batchone.contracts.things import SignalType, Thing
from batchone.kernel.clock import Clock
from batchone.kernel.errors import NotFound, Refused
from batchone.kernel.ids import Ids

PRINT = ":".join(f"{number * 7 % 256:02X}" for number in range(32))
OTHER_PRINT = ":".join(f"{number * 11 % 256:02X}" for number in range(32))
_PLACE = "works/site-1/utilities/air/house"


def _air_house() -> Thing:
    signals = (
        SignalType("pressure", {"en": "Air pressure", "zh": "气压"}, "bar", limits=Limits(low=5, high=9)),
        SignalType("oil_temperature", {"en": "Oil temperature", "zh": "油温"}, "degC"),
        SignalType("running", {"en": "Running", "zh": "运行"}, "", "boolean"),
    )
    return Thing("comp-1", "", {"en": "Compressor", "zh": "空压机"}, _PLACE, signals=signals)


def found_at_the_pump(count: int = 0) -> tuple[Found, ...]:
    """What a probe lists: two that may be known signals, one whose unit is none, a text, and some more."""
    return (
        Found("ns=2;s=Air.P", "Compressor AirPressure", "Float", "kPa", "712.4", "comp-1/pressure", "", (
            Evidence("names", 1.0), Evidence("convertible", told="kPa", own="bar"),
        )),
        Found("ns=2;s=Air.OilTemp", "Compressor OilTemperature", "Float", "degC", "188.0", "comp-1/oil_temperature", "", (
            Evidence("names", 0.91), Evidence("same_unit", told="degC", own="degC"), Evidence("outside", told="188.0"),
        )),
        Found("ns=2;s=Air.Flow", "Compressor Flow", "Double", "Skt.", "41.25"),
        Found("ns=2;s=Air.Starts", "Compressor Starts", "UInt32", "", "1204"),
        Found("ns=2;s=Air.On", "Compressor On", "Boolean", "", "True"),
        Found("ns=2;s=Air.Serial", "Compressor Serial", "String", "", "KX-2231"),
        *(Found(f"ns=2;s=More.{number}", f"More Value{number}", "Double", "", f"{number}") for number in range(count)),
    )  # fmt: skip


class FakeSources:
    """Declared connections of the made-up plant's machines, and probes."""

    def __init__(self, machines: FakeMachines, certificates: FakeCertificates, ids: Ids) -> None:
        self._machines, self._certificates, self._ids = machines, certificates, ids
        self.declared = machines.declared
        self.looks: dict[str, Look] = {}
        self.notes: list[str] = []

    @property
    def kept(self) -> dict[str, Source]:
        """What is declared, by id."""
        return {each.id: each for each in self._machines.sources}

    def begin(self) -> None:
        """An air house that is connected, and an oven that does not answer."""
        machines = self._machines
        if "air-house" in self.kept:
            return
        points = (Point("comp-1/oil_temperature", "ns=2;s=Air.OilTemp"), Point("comp-1/pressure", "ns=2;s=Air.P", "kPa"))
        machines.more.append(_air_house())
        machines.sources.append(Source("air-house", "opc.tcp://10.0.0.5:4840/", {}, points))
        machines.sources.append(Source("oven-gas", "mqtt://10.0.0.9:1883", {"listen": "plant/#"}, ()))
        machines.down.add("oven-gas")

    async def shown(self, tenant: str, source: str, most: int) -> tuple[Source, int]:
        if source not in self.kept:
            raise NotFound("connections.unknown", f"No connection {source} is declared.", "Look at the list again.")
        found = self.kept[source]
        return replace(found, points=found.points[:most]), len(found.points)

    async def look(self, tenant: str, url: str, settings: Mapping[str, str], actor: Actor) -> str:
        name = self._ids.new("L")
        self.looks[name] = self.made(name, url, settings)
        return name

    def made(self, name: str, url: str, settings: Mapping[str, str]) -> Look:
        """How a probe of an address ends."""
        look = Look(name, url, settings, 1.2, 140)
        server = url.removeprefix("opc.tcp://").strip("/")
        if "slow" in url:
            return look
        if "away" in url:
            return replace(look, failure=Failure("machine.away", f"{url} does not answer: TimeoutError.", "See to it.", 503))
        if "ours" in url:
            return replace(look, failure=Failure("certificate.ours", f"{url} does not trust us.", "Let it.", 422))
        if "insecure" in url and settings.get("security") != "none":
            offers = {"offers": "none", "floor": settings.get("security", "encrypt"), "lower": "none"}
            return replace(look, failure=Failure("opcua.insecure", f"{url} offers none.", "Set none.", 422, offers))
        if "untrusted" in url and not self._certificates.trusts(server):
            self._certificates.show(server)
            where = {
                "server": server, "fingerprint": PRINT, "subject": "CN=plc@hall-3", "state": "waiting",
                "begins": "2026-01-01T00:00:00+00:00", "ends": "2031-01-01T00:00:00+00:00",
            }  # fmt: skip
            return replace(look, failure=Failure("certificate.untrusted", "Nobody approved it.", "Compare.", 422, where))
        count = 260 if "large" in url else 0
        security = (
            "none: nothing is signed or encrypted" if settings.get("security") == "none" else "encrypt with Basic256Sha256"
        )
        probed = Probed(
            url,
            "opcua",
            "Air controller 4.2",
            f"{security}; the server offers: none",
            found_at_the_pump(count),
            7 if count else 0,
        )
        return replace(look, probed=probed)

    async def looked(self, tenant: str, look: str) -> Look:
        if look not in self.looks:
            raise NotFound("probe.unknown", "This probe was forgotten.", "Look at the address again.")
        return self.looks[look]

    async def connect(self, tenant: str, source: Source, things: Sequence[Thing], note: str, actor: Actor) -> int:
        if any(point.address == "nonsense" for point in source.points):
            raise Refused("connections.faults", "nonsense is no address.", "Correct these; nothing was changed.")
        self._machines.more += things
        self._machines.sources = [each for each in self._machines.sources if each.id != source.id] + [source]
        self.notes.append(note)
        return len(self.notes)

    async def disconnect(self, tenant: str, source: str, note: str, actor: Actor) -> int:
        self._machines.sources = [each for each in self._machines.sources if each.id != source]
        return 1


class FakeCertificates:
    def __init__(self, clock: Clock) -> None:
        now = clock.now()
        begins, ends = now - timedelta(days=90), now + timedelta(days=1735)
        self._clock = clock
        self._times = (begins, ends)
        self.ours = [
            PlatformCertificate(
                OTHER_PRINT,
                "CN=batchone:works@office",
                "urn:office:batchone:works",
                begins,
                ends,
                True,
                "-----BEGIN CERTIFICATE-----",
            )
        ]
        self.servers: dict[tuple[str, str], ServerCertificate] = {}
        for server, state in (("10.0.0.5:4840", "approved"), ("10.0.0.7:4840", "waiting"), ("10.0.0.8:4840", "revoked")):
            self._add(server, state, "" if state == "waiting" else "eva")

    def _add(self, server: str, state: str, by: str) -> None:
        now = self._clock.now()
        at = now - timedelta(hours=2) if by else None
        self.servers[server, PRINT] = ServerCertificate(
            server, PRINT, "CN=plc@hall-3", "urn:hall-3:plc", *self._times, state, now - timedelta(hours=5), now, False, by, at,  # type: ignore[arg-type]
        )  # fmt: skip

    def trusts(self, server: str) -> bool:
        """Whether a server's certificate is approved."""
        return any(key[0] == server and each.state == "approved" for key, each in self.servers.items())

    def show(self, server: str) -> None:
        """A server shows its certificate for the first time."""
        self._add(server, "waiting", "")

    async def own(self, tenant: str) -> tuple[PlatformCertificate, ...]:
        return tuple(self.ours)

    async def seen(self, tenant: str) -> tuple[ServerCertificate, ...]:
        return tuple(self.servers.values())

    async def approve(self, tenant: str, server: str, fingerprint: str, actor: Actor) -> ServerCertificate:
        return self._judge(server, fingerprint, "approved", actor)

    async def revoke(self, tenant: str, server: str, fingerprint: str, actor: Actor) -> ServerCertificate:
        return self._judge(server, fingerprint, "revoked", actor)

    def _judge(self, server: str, fingerprint: str, state: str, actor: Actor) -> ServerCertificate:
        if (server, fingerprint) not in self.servers:
            raise NotFound("certificates.unknown", f"{server} never showed it.", "Probe it.")
        self._add(server, state, actor.person)
        return self.servers[server, fingerprint]

    async def renew(self, tenant: str, actor: Actor) -> PlatformCertificate:
        self.ours.append(replace(self.ours[0], fingerprint=PRINT, in_use=False))
        return self.ours[-1]

    async def take_over(self, tenant: str, fingerprint: str, actor: Actor) -> PlatformCertificate:
        self.ours = [replace(each, in_use=True) for each in self.ours if each.fingerprint == fingerprint]
        return self.ours[0]


class FakeQuarantines:
    def __init__(self, world: World, clock: Clock) -> None:
        now = clock.now()
        pack = world.blueprint.pack
        machine = pack.equipment[0]
        rows = (
            (machine.connection, f"{machine.id}/vibration", "undeclared", 5120, 2.31, "Nothing declares this signal."),
            ("oven-gas", "oven-gas/plant/oven-3/zones#gas.flow", "undeclared", 877, 14.2, "Nothing declares this signal."),
            ("oven-gas", "oven-gas/plant/oven-3/door", "unreadable", 12, None, "'half open' is no number."),
            ("oven-gas", OTHERS, "undeclared", 10_431, 1.0, "Nothing declares this signal."),
        )
        self.entries = [
            Quarantined(connection, path, reason, count, now - timedelta(days=2), now, value, what)  # type: ignore[arg-type]
            for connection, path, reason, count, value, what in rows
        ]
        self.adopted: list[tuple[str, str, Thing]] = []
        self._clock = clock

    async def listed(self, tenant: str) -> tuple[Quarantined, ...]:
        return tuple(self.entries)

    async def adopt(self, tenant: str, connection: str, path: str, thing: Thing, actor: Actor) -> None:
        self.adopted.append((connection, path, thing))
        self.entries = [each for each in self.entries if (each.connection, each.path) != (connection, path)]

    async def dismiss(self, tenant: str, connection: str, path: str, actor: Actor) -> None:
        self._judge(connection, path, actor.person, self._clock.now())

    async def restore(self, tenant: str, connection: str, path: str, actor: Actor) -> None:
        self._judge(connection, path, "", None)

    def _judge(self, connection: str, path: str, by: str, at: datetime | None) -> None:
        self.entries = [
            replace(each, dismissed_by=by, dismissed=at) if (each.connection, each.path) == (connection, path) else each
            for each in self.entries
        ]
