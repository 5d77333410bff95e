"""The guide's script runs as it stands, on a plant started as the guide says."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "plantsim.md"


def test_the_script_of_the_guide_runs_a_job(tmp_path: Path, any_port: Callable[[], int]) -> None:
    command, script = (re.search(rf"```{kind}\n(.*?)```", GUIDE.read_text(), re.S) for kind in ("sh", "python"))
    assert command
    assert script
    arguments = command[1].split()[1:]
    arguments[arguments.index("--control-port") + 1] = "0"
    port = any_port()
    plant = subprocess.Popen(
        [sys.executable, "-m", "plantsim", *arguments, "--port-offset", str(port - 4840)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert plant.stdout
        assert [plant.stdout.readline().split()[0] for _ in range(3)] == ["control", "forming", "charging"]
        text = script[1].replace("127.0.0.1:4840", f"127.0.0.1:{port}")
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True)
        running, finished, cleared = done.stdout.splitlines()
        assert '"state":"running"' in running
        assert '"shell_length_deviation"' in finished
        assert cleared == "True"
    finally:
        plant.send_signal(signal.SIGTERM)
        plant.communicate(timeout=20)
