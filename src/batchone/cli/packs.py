"""`batchone pack`: check and install sector packs."""

from __future__ import annotations

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
