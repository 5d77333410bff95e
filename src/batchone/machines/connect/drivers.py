"""Which folder speaks which protocol: adding one is a folder and a line here. Each is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import cast

from batchone.contracts.sources import Probed
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import Clock
from batchone.machines.connect.driver import Driver, Reach, Seen
from batchone.machines.connect.wiring import Wiring

MakeDriver = Callable[[Wiring, Reach, Clock], Driver]
Probe = Callable[[str, Mapping[str, str], ThingModel, Reach, Seen], Awaitable[Probed]]
"""Looks at what answers at a url, with settings of the protocol, and proposes signals of the thing model; tells meanwhile how
much it has seen."""

DRIVERS: Mapping[str, str] = {
    "files": "files.driver:FilesDriver",
    "influx": "influx.driver:InfluxDriver",
    "modbus": "modbus.driver:ModbusDriver",
    "modbus-registers": "modbus.polling:PollingDriver",
    "mqtt": "mqtt.driver:MqttDriver",
    "mtconnect": "mtconnect.driver:MtconnectDriver",
    "opcua": "opcua.driver:OpcuaDriver",
    "s7": "s7.driver:S7Driver",
    "sparkplug": "sparkplug.driver:SparkplugDriver",
}
"""Protocol to the maker of its drivers, for the connections of packs and for declared ones."""

PROBES: Mapping[str, str] = {
    "files": "files.driver:probe",
    "modbus-registers": "modbus.probe:probe",
    "mqtt": "mqtt.driver:probe",
    "mtconnect": "mtconnect.driver:probe",
    "opcua": "opcua.probe:probe",
    "s7": "s7.probe:probe",
}
"""Protocol to its probe; one that is pushed to has none."""

SCHEMES: Mapping[str, str] = {
    "file": "files",
    "influx": "influx",
    "modbus": "modbus-registers",
    "mqtt": "mqtt",
    "mqtts": "mqtt",
    "mtconnect": "mtconnect",
    "opc.tcp": "opcua",
    "s7": "s7",
}
"""Beginning of a url to the protocol of a declared connection."""


def make_driver(wiring: Wiring, reach: Reach, clock: Clock) -> Driver:
    """A driver for a connection, not yet open."""
    return cast(MakeDriver, _named(DRIVERS[wiring.protocol]))(wiring, reach, clock)


def probe_of(protocol: str) -> Probe | None:
    """The probe of a protocol, if it has one."""
    return cast(Probe, _named(PROBES[protocol])) if protocol in PROBES else None


def _named(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(import_module(f"{__package__}.{module}"), name)
