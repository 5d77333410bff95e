"""Which driver speaks which protocol: adding one is a folder and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from batchone.contracts.pack import Protocol as ProtocolName
from batchone.kernel.clock import Clock
from batchone.machines.connect.driver import Driver, Reach
from batchone.machines.connect.modbus.driver import ModbusDriver
from batchone.machines.connect.opcua.driver import OpcuaDriver
from batchone.machines.connect.sparkplug.driver import SparkplugDriver
from batchone.machines.connect.wiring import Wiring

MakeDriver = Callable[[Wiring, Reach, Clock], Driver]

DRIVERS: Mapping[ProtocolName, MakeDriver] = {
    "opcua": OpcuaDriver,
    "modbus": ModbusDriver,
    "sparkplug": SparkplugDriver,
}


def make_driver(wiring: Wiring, reach: Reach, clock: Clock) -> Driver:
    """A driver for a connection, not yet open."""
    return DRIVERS[wiring.protocol](wiring, reach, clock)
