"""`batchone demo`, `up`, `process` and `doctor`: running the platform."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from batchone.cli import output
from batchone.cli.app import app, run
from batchone.kernel.deploy import Deploy, read_deploy
from batchone.kernel.home import home_folder


def _deploy(path: Path) -> Deploy:
    from batchone.main import MODULES

    return read_deploy(path, frozenset(MODULES))


async def until_stopped() -> None:
    """Wait for Ctrl-C or a termination."""
    stopped = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    await stopped.wait()


@app.command
def up(deploy: Path, /) -> int:
    """Run a deployment until Ctrl-C: engines and every process of the deploy file, restarted when they die."""

    async def work() -> None:
        from batchone.kernel.deployment import Deployment
        from batchone.main import check_settings, log_to_stderr

        log_to_stderr(process="supervisor")
        wanted = _deploy(deploy)
        check_settings(wanted)
        deployment = Deployment(wanted, home_folder(), output.say)
        try:
            deployment.start_engines()
            deployment.start_processes()
            if deployment.has_pages:
                await deployment.until_pages_answer()
            output.result(deployment.note.web or deployment.note.nats)
            await until_stopped()
        finally:
            output.say("stopping")
            await deployment.stop()

    return run(work())


@app.command(show=False)
def process(name: str, /) -> int:
    """Run one process of the deployment over this home; `up` starts these."""

    async def work() -> None:
        from batchone.kernel.home import running_in
        from batchone.main import run_process

        home = home_folder()
        deploy = Deploy.model_validate_json((home / "deploy.json").read_text())
        await run_process(deploy, name, running_in(home), home)

    import uvloop

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(work())
    return 0


@app.command
def demo(
    *,
    deploy: Path = Path("deploy/laptop.toml"),
    pack: Path = Path("packs/refrigerator"),
    speed: Annotated[float, Parameter(help="plant seconds in a real second, 1 to 500")] = 60.0,
    seed: int = 1,
) -> int:
    """The whole loop at a visible pace: engines, an emulated plant, the platform, customers, suppliers and carriers."""

    async def work() -> None:
        from batchone.demo.run import Demo, run_demo

        output.say("checking the pack")
        show = Demo(_deploy(deploy), pack, home_folder(), speed=speed, seed=seed, say=output.say)
        await run_demo(show, output.result, until_stopped)

    return run(work())


@app.command
def doctor(*, deploy: Path = Path("deploy/laptop.toml"), json: bool = False) -> int:
    """Check what the platform needs; each line says how to cure what is wrong. Exit code 1 if something is."""
    from batchone.cli.checks import check_all

    found = check_all(deploy)
    if json:
        output.result_json(found)
    else:
        for each in found:
            output.result(f"{each.verdict:<5} {each.what}" + (f"  Cure: {each.cure}" if each.cure else ""))
    return 1 if any(each.verdict == "fail" for each in found) else 0
