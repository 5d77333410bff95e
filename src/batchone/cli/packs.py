"""`batchone pack`: check and install sector packs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cyclopts import App

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.platform import platform

pack = App(name="pack", help="Check and install sector packs.")
app.command(pack)


def pack_files(folder: Path) -> dict[str, str]:
    """The files of a pack by name."""
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.suffix in (".yaml", ".svg")}


@pack.command
def check(folder: Path, /, *, json: bool = False) -> int:
    """Check a pack: file, line, column and cure of each fault and warning; exit code 1 if there is a fault."""
    from batchone.chain.design.packs import check_pack

    report = check_pack(folder)
    if json:
        output.result_json({"pack": str(folder), "faults": report.faults, "warnings": report.warnings})
    else:
        for fault in report.faults:
            output.result(f"{fault.where}: {fault.what} Cure: {fault.cure}")
        for warning in report.warnings:
            output.result(f"{warning.where}: warning: {warning.what} Cure: {warning.cure}")
        output.warn(f"{len(report.faults)} faults in {folder}" if report.faults else f"{folder} is a valid pack")
    return 1 if report.faults else 0


@pack.command
def install(folder: Path, /, *, json: bool = False) -> int:
    """Install a pack into the running platform; a pack with a fault installs nothing."""

    async def work() -> int:
        from batchone.contracts.design import Design

        async with platform() as running:
            product = await running.get(Design).install(running.tenant, pack_files(folder), running.actor)
        if json:
            output.result_json({"product": product.id, "pack": product.pack, "version": product.version})
        else:
            output.result(f"{product.pack} {product.version}: the product {product.id} can be ordered")
        return 0

    return run(work())


@pack.command
def export(folder: Path, /, *, uvl: bool = False, day: date | None = None, out: Path | None = None) -> int:
    """Write a pack's options and rules in another language, to stdout or a file.

    Parameters
    ----------
    folder:
        The pack's folder.
    uvl:
        As a feature model in UVL; there is no other language yet, so this must be said.
    day:
        What is sold and in force on this day, such as 2026-05-01; today, where none is said.
    out:
        The file to write instead of stdout.
    """
    from batchone.chain.design.exchange import model_of
    from batchone.chain.design.packs import load_pack
    from batchone.chain.design.uvl import write
    from batchone.kernel.clock import SystemClock
    from batchone.kernel.errors import Refused

    if not uvl:
        raise Refused("pack.export", "No language was named.", "Say --uvl.")
    text = write(model_of(load_pack(folder), day or SystemClock().now().date()))
    if out is None:
        output.result(text.rstrip("\n"))
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Refused("pack.export", f"{out} cannot be written: {error.strerror}.", "Name another file.") from None
    return 0


@pack.command(name="import")
def import_(file: Path, folder: Path, /, *, replace: bool = False, json: bool = False) -> int:
    """Write a feature model in UVL as options.yaml and rules.yaml of a pack.

    Parameters
    ----------
    file:
        The feature model.
    folder:
        The pack's folder; it is made where there is none.
    replace:
        Write over an options.yaml and rules.yaml that are there.
    json:
        The result as JSON.
    """
    from batchone.chain.design.exchange import part_of
    from batchone.chain.design.uvl import read_file
    from batchone.kernel.errors import Refused

    part = part_of(read_file(file))
    there = [name for name in part.files() if (folder / name).exists()]
    if there and not replace:
        raise Refused("pack.import", f"{folder} has {' and '.join(there)} already.", "Say --replace, or name another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in part.files().items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused("pack.import", f"{folder} cannot be written: {error.strerror}.", "Name another folder.") from None
    if json:
        output.result_json({"pack": str(folder), "options": len(part.options), "rules": len(part.rules)})
    else:
        output.result(f"{folder}: {len(part.options)} options and {len(part.rules)} rules")
    return 0
