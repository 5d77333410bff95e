"""What shells and submodels say of an equipment or an item: pure functions from contracts to the metamodel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from aas_core3 import types as aas

from batchone.contracts.machines import LastValue
from batchone.contracts.production import ItemRecord, Job, Measurement
from batchone.contracts.things import Declared, EquipmentType, Kind, SignalType, Thing, ThingModel, position_name
from batchone.machines.aas.addresses import PARTS, Asset, AssetKind, Part, id_short, id_shorts
from batchone.machines.aas.elements import (
    Element,
    Scalar,
    Xsd,
    bounds,
    collection,
    concept,
    double,
    model_reference,
    prop,
    records,
    said,
    shell_reference,
    texts,
    xml_safe,
)

SERIAL_NUMBER = "0173-1#02-AAM556#002"
"""The serial number, in ECLASS."""
_IEC_61360 = "https://admin-shell.io/DataSpecificationTemplates/DataSpecificationIec61360/3"
QUALITIES = ("good", "uncertain", "bad")
_XSD: Mapping[Kind, Xsd] = {"float": Xsd.DOUBLE, "integer": Xsd.INTEGER, "boolean": Xsd.BOOLEAN, "state": Xsd.INTEGER}
_NAMES: Mapping[Part, str] = {
    "identification": "Identification", "technical-data": "TechnicalData", "operational-data": "OperationalData",
    "production-record": "ProductionRecord",
}  # fmt: skip


def name_of(part: Part) -> str:
    """The idShort of every submodel about this."""
    return _NAMES[part]


def meaning_of(kind: AssetKind, part: Part) -> aas.Reference:
    """The semantic id of a submodel about this, of an equipment or of an item."""
    return concept(f"urn:batchone:submodel:{kind}:{part}:1")


def submodel_reference(submodel: str) -> aas.Reference:
    """A reference to a submodel."""
    return model_reference((aas.KeyTypes.SUBMODEL, submodel))


def shell_of_thing(asset: Asset, thing: Thing, kind: EquipmentType | None) -> aas.AssetAdministrationShell:
    """The shell of an equipment."""
    return _shell(asset, (("equipmentId", thing.id),), thing.name, kind.id if kind else thing.type)


def shell_of_item(asset: Asset, record: ItemRecord) -> aas.AssetAdministrationShell:
    """The shell of an item."""
    return _shell(asset, (("serialNumber", record.serial), ("itemId", record.item)), {"en": record.serial}, record.product)


def _shell(asset: Asset, ids: tuple[tuple[str, str], ...], name: Mapping[str, str], type_: str) -> aas.AssetAdministrationShell:
    return aas.AssetAdministrationShell(
        asset.shell,
        aas.AssetInformation(
            aas.AssetKind.INSTANCE, asset.urn, [aas.SpecificAssetID(label, value) for label, value in ids],
            asset_type=f"urn:batchone:{asset.kind}-type:{type_}",
        ),
        id_short=id_short(asset.id),
        display_name=said(aas.LangStringNameType, name, 128) or None,
        submodels=[submodel_reference(asset.submodel(part)) for part in PARTS[asset.kind]],
    )  # fmt: skip


def submodel(asset: Asset, part: Part, elements: Iterable[Element]) -> aas.Submodel:
    """A submodel of an asset."""
    return aas.Submodel(
        asset.submodel(part), id_short=name_of(part),
        semantic_id=meaning_of(asset.kind, part), submodel_elements=list(elements) or None,
    )  # fmt: skip


def thing_identification(thing: Thing, kind: EquipmentType | None) -> list[Element]:
    """What the equipment is and where it stands."""
    return [
        prop("EquipmentId", thing.id), texts("Name", thing.name), prop("EquipmentType", thing.type),
        texts("EquipmentTypeName", kind.name if kind else {}), prop("Place", thing.place), prop("Positions", thing.positions),
        prop("Pack", thing.pack),
    ]  # fmt: skip


def technical_data(thing: Thing, kind: EquipmentType | None) -> list[Element]:
    """The declared signals: name, unit, kind, how often they are expected, and their limits."""
    signals = _signals(thing, kind)
    names = id_shorts(each.id for each in signals)
    return [_declaration(names[each.id], each, kind, thing) for each in signals]


def _signals(thing: Thing, kind: EquipmentType | None) -> tuple[SignalType, ...]:
    """What its type and it itself declare; of two with one id the later one counts, as in the model's paths."""
    return tuple({each.id: each for each in (*(kind.signals if kind else ()), *thing.signals)}.values())


def _declaration(name: str, signal: SignalType, kind: EquipmentType | None, thing: Thing) -> Element:
    limits = signal.limits
    found = collection(name, [
        prop("SignalId", signal.id), texts("Name", signal.name), prop("Unit", signal.unit), prop("Kind", signal.kind),
        prop("Scope", signal.scope), prop("ExpectedEverySeconds", float(signal.every_s)),
        bounds("WarningLimits", limits.low, limits.high), bounds("AlarmLimits", limits.low_low, limits.high_high),
    ])  # fmt: skip
    found.semantic_id = concept(signal_meaning(signal, kind, thing))
    return found


def signal_meaning(signal: SignalType, kind: EquipmentType | None, thing: Thing) -> str:
    """What a signal means: the same for all equipment of its type, or of one equipment where only that has it."""
    of = f"type:{kind.id}" if kind and signal in kind.signals else f"equipment:{thing.id}"
    return f"urn:batchone:signal:{of}:{signal.id}"


def operational_data(
    thing: Thing, kind: EquipmentType | None, model: ThingModel, last: Iterable[LastValue], now: datetime
) -> list[Element]:
    """The last value of every signal with its quality, source time and age in seconds: `Signals`, and `Positions` by position.

    A signal that was never heard has no value and the quality `unknown`.
    """
    values = {each.path: each for each in last}
    declared = model.signals_of(thing.id)
    names = id_shorts(dict.fromkeys(each.signal.id for each in declared))

    def reading(each: Declared) -> Element:
        return _reading(
            names[each.signal.id], each.signal, values.get(each.path), now, signal_meaning(each.signal, kind, thing)
        )

    signals: list[Element] = [reading(each) for each in declared if each.signal.scope == "equipment"]
    places: dict[str, list[Element]] = {}
    for each in declared:
        if each.signal.scope == "position":
            places.setdefault(each.path.split("/")[1], []).append(reading(each))
    positions: list[Element] = [collection(place, readings) for place, readings in places.items()]
    groups = (("Signals", signals), ("Positions", positions))
    return [collection(group, members) for group, members in groups if members]


def _reading(name: str, signal: SignalType, last: LastValue | None, now: datetime, meaning: str) -> Element:
    value = aas.Property(_XSD[signal.kind], id_short="Value", value=_value(signal.kind, last), semantic_id=concept(meaning))
    reading: list[Element] = [value, prop("Unit", signal.unit), prop("Quality", QUALITIES[last.quality] if last else "unknown")]
    if last is not None:
        reading += [
            prop("SourceTime", last.source_time),
            prop("AgeSeconds", round(max(0.0, (now - last.source_time).total_seconds()), 3)),
        ]
    return collection(name, reading)


def _value(kind: Kind, last: LastValue | None) -> str | None:
    if last is None:
        return None
    if kind == "float":
        return double(last.value)
    if not math.isfinite(last.value):
        return None
    return ("true" if last.value else "false") if kind == "boolean" else str(round(last.value))


def item_identification(record: ItemRecord) -> list[Element]:
    """Which item it is, of which product and order."""
    return [
        prop("SerialNumber", record.serial, meaning=SERIAL_NUMBER), prop("ItemId", record.item),
        prop("Product", record.product), prop("Configuration", record.configuration), prop("Order", record.order),
    ]  # fmt: skip


def production_record(tenant: str, record: ItemRecord) -> list[Element]:
    """How it was made: the jobs at their equipment, the lots that went in, what was measured, and why it was held."""
    return [
        prop("State", record.state), _time("Started", record.started), _time("Finished", record.finished),
        prop("OperationsTotal", record.operations_total), prop("OperationsDone", record.operations_done),
        prop("EnergyKilowattHours", float(record.energy_kwh)),
        records("Jobs", [_job(tenant, each) for each in record.jobs]),
        records("Checks", [_check(each) for each in record.measurements]),
        records("Lots", [[
            prop("Module", each.module), prop("Variant", each.variant), prop("Quantity", each.quantity), prop("Lot", each.lot),
            prop("Supplier", each.supplier), prop("Operation", each.op),
        ] for each in record.lots]),
        records("Holds", [[
            _time("Since", each.since), texts("Reason", each.reason), prop("Check", each.check),
            _time("Released", each.released), prop("Decision", each.decision),
        ] for each in record.holds]),
    ]  # fmt: skip


def _time(name: str, at: datetime | None) -> Element:
    return prop(name, at, Xsd.DATE_TIME)


def _number(name: str, value: float | None) -> Element:
    return prop(name, None if value is None else float(value), Xsd.DOUBLE)


def _job(tenant: str, job: Job) -> list[Element]:
    names = id_shorts(job.parameters)
    parameters: list[Element] = [prop(names[name], _scalar(value)) for name, value in job.parameters.items()]
    place = [] if job.position is None else [prop("Position", position_name(job.position))]
    return [
        prop("JobId", job.id), prop("Operation", job.op), prop("Run", job.run),
        shell_reference("Equipment", Asset(tenant, "equipment", job.equipment).shell), *place, prop("Program", job.program),
        *([collection("Parameters", parameters)] if parameters else []),
        prop("State", job.state), _time("Released", job.released), _time("Started", job.started),
        _time("Finished", job.finished), _number("EnergyKilowattHours", job.energy_kwh), prop("Reason", job.reason),
    ]  # fmt: skip


def _scalar(value: float | str) -> Scalar:
    return value if isinstance(value, str) else float(value)


def _check(measured: Measurement) -> list[Element]:
    return [
        prop("Check", measured.check), texts("Name", measured.name), prop("Operation", measured.op),
        prop("JobId", measured.job), _number("Value", measured.value), prop("Unit", measured.unit),
        bounds("Limits", measured.low, measured.high),
        prop("Passed", measured.passed, Xsd.BOOLEAN), _time("Time", measured.time),
    ]  # fmt: skip


def concepts(thing: Thing, kind: EquipmentType | None) -> list[aas.ConceptDescription]:
    """What the signals of an equipment mean, by IEC 61360: their names and units."""
    return [_concept(signal, signal_meaning(signal, kind, thing)) for signal in _signals(thing, kind)]


def _concept(signal: SignalType, meaning: str) -> aas.ConceptDescription:
    # IEC 61360 wants a name in English.
    names = {"en": signal.id} | {language: text for language, text in signal.name.items() if text}
    content = aas.DataSpecificationIEC61360(
        said(aas.LangStringPreferredNameTypeIEC61360, names, 255), unit=xml_safe(signal.unit) or None,
        data_type=_data_type(signal), definition=said(aas.LangStringDefinitionTypeIEC61360, names, 1023),
    )  # fmt: skip
    return aas.ConceptDescription(
        meaning, id_short=id_short(signal.id),
        embedded_data_specifications=[aas.EmbeddedDataSpecification(concept(_IEC_61360), content)],
    )  # fmt: skip


def _data_type(signal: SignalType) -> aas.DataTypeIEC61360:
    if signal.kind == "boolean":
        return aas.DataTypeIEC61360.BOOLEAN
    if signal.kind != "float":
        return aas.DataTypeIEC61360.INTEGER_COUNT
    return aas.DataTypeIEC61360.REAL_MEASURE if signal.unit else aas.DataTypeIEC61360.REAL_COUNT
