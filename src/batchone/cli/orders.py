"""`batchone order`: configure, price, promise and order from the terminal; list and show orders."""

from __future__ import annotations

import secrets
from typing import Annotated

from cyclopts import App, Parameter

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.cli.platform import platform
from batchone.kernel.errors import Refused

order = App(name="order", help="Order from the terminal; list and show orders.")
app.command(order)


@order.command
def new(
    product: str = "",
    *,
    choose: Annotated[list[str] | None, Parameter(help="option=value; repeat for more")] = None,
    quantity: int = 1,
    priority: int = 1,
    customer: str = "Walk-in customer",
    town: str = "",
    key: str = "",
    json: bool = False,
) -> int:
    """Configure a product (what is not chosen is completed), get a promise, and order it."""

    async def work() -> int:
        from batchone.contracts.design import Design
        from batchone.contracts.sales import Customer, Sales

        choices: dict[str, str] = {}
        for choice in choose or []:
            option, found, value = choice.partition("=")
            if not found:
                raise Refused("order.choice", f"'{choice}' is no choice.", "Write --choose option=value.")
            choices[option] = value
        async with platform() as running:
            design, sales = running.get(Design), running.get(Sales)
            wanted = product or (await design.products(running.tenant))[0].id
            configuration = await design.complete(running.tenant, wanted, choices, running.actor)
            promise = await sales.give_promise(running.tenant, configuration.id, quantity, priority, running.actor)
            who = Customer(customer.lower().replace(" ", "-"), customer, town)
            placed = await sales.place_order(running.tenant, promise.id, who, key or secrets.token_hex(8), running.actor)
        if json:
            output.result_json(placed)
        else:
            output.result(f"{placed.number}  {placed.price.amount} {placed.price.currency}")
            output.result(f"promised {promise.p50:%Y-%m-%d %H:%M} (half of all), {promise.p90:%Y-%m-%d %H:%M} (nine tenths)")
        return 0

    return run(work())


@order.command(name="list")
def list_(*, search: str = "", status: str = "", limit: int = 20, json: bool = False) -> int:
    """The newest orders."""

    async def work() -> int:
        from batchone.contracts.sales import Sales

        async with platform() as running:
            page = await running.get(Sales).orders(running.tenant, search, status, "-placed", 0, limit, "")
        if json:
            output.result_json(page)
        else:
            rows = [
                {
                    "number": each.number, "status": each.status, "customer": each.customer.name, "quantity": each.quantity,
                    "promised": f"{each.promised_p90:%m-%d %H:%M}",
                    "planned": f"{each.planned_delivery:%m-%d %H:%M}" if each.planned_delivery else "",
                    "late": "late" if each.late else "",
                }
                for each in page.orders
            ]  # fmt: skip
            output.table(rows, ("number", "status", "customer", "quantity", "promised", "planned", "late"))
            output.warn(f"{len(rows)} of {page.total}")
        return 0

    return run(work())


@order.command
def show(number: str, /, *, json: bool = False) -> int:
    """One order, with its items and what was done to them."""

    async def work() -> int:
        from batchone.contracts.production import Production
        from batchone.contracts.sales import Sales

        async with platform() as running:
            found = await running.get(Sales).order(running.tenant, number)
            items = await running.get(Production).items_of_order(running.tenant, found.id)
        if json:
            output.result_json({"order": found, "items": items})
            return 0
        output.result(f"{found.number}: {found.status}, {found.quantity} x {found.product} for {found.customer.name}")
        for item in items:
            output.result(f"{item.serial or item.item}: {item.state}, {item.operations_done} of {item.operations_total} done")
            for job in item.jobs:
                output.result(f"  {job.op:>4} run {job.run} {job.equipment:<20} {job.state}")
        return 0

    return run(work())
