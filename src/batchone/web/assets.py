"""Builds what the pages carry: `python -m batchone.web.assets`.

Packages come from the ordinary npm client, exactly as `package-lock.json` says and with install scripts off; esbuild makes
scripts of the parts of the design system and of the timeline that we use; the rest is copied. Everything lands in
`static/vendor/<hash>/`, which is not committed, with a `VENDORED.json` of name, version, licence and sha256. Nothing is done
when that folder is already there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from batchone.kernel.errors import Broken, TryLater
from batchone.web.node import Node, find_node
from batchone.web.static_files import VENDOR

ENTRIES = Path(__file__).parent / "bundle"
_BUNDLES = {"ix.js": "esm", "timeline.js": "iife"}
"""Entries to bundle, with the kind of script that each becomes."""
_LOCKED = ("package.json", "package-lock.json", ".npmrc")
_INTER = "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"
_IX = "@siemens/ix/dist/siemens-ix"
_FONT_FACE = (
    "@font-face{font-family:'%s';font-style:normal;font-weight:100 900;font-display:swap;"
    "src:url(inter.woff2) format('woff2')}\n"
)
_COPIES = {
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "timeline.css": "vis-timeline/styles/vis-timeline-graph2d.min.css",
    "inter.woff2": _INTER,
}
_HTMX = ("htmx.org/dist/htmx.min.js", "htmx.org/dist/ext/hx-sse.min.js")
_THEMES = (f"{_IX}/siemens-ix-core.css", f"{_IX}/theme/classic-dark.css", f"{_IX}/theme/classic-light.css")
_COMPRESSED = (".js", ".css")


@dataclass(frozen=True)
class Workshop:
    """Where a build takes place: the locked files' folder, the build folder and the folder of results."""

    root: Path
    build: Path
    vendor: Path

    @property
    def modules(self) -> Path:
        """The installed packages."""
        return self.build / "node_modules"

    @staticmethod
    def of_checkout() -> Workshop:
        """The workshop of the checkout that this file lies in; `Broken` in an installed wheel, which carries the files."""
        root = Path(__file__).resolve().parents[3]
        if not (root / "package-lock.json").is_file():
            raise Broken("web.no-lock", f"There is no package-lock.json in {root}.", "Build the pages' files in a checkout.")
        return Workshop(root, root / "build" / "web", VENDOR)


def recipe_hash(root: Path) -> str:
    """A hash of everything that decides the result: the lock, the bundles' entries and this recipe."""
    digest = hashlib.sha256()
    for path in (root / "package-lock.json", *(ENTRIES / name for name in _BUNDLES), Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def build(workshop: Workshop, say: Node.Say) -> Path:
    """Make the files if they are not there yet; returns their folder."""
    target = workshop.vendor / recipe_hash(workshop.root)
    if (target / "VENDORED.json").is_file():
        say("the pages' files are up to date")
        return target
    node = find_node()
    say(f"Node {node.version} at {node.program}")
    install(workshop, node, say)
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, kind in _BUNDLES.items():
        say(f"bundling {name}")
        _bundle(workshop, node, part / name, kind)
    _copy(workshop.modules, part)
    _compress(part)
    (part / "VENDORED.json").write_text(json.dumps(_manifest(workshop, part), indent=1) + "\n")
    for old in workshop.vendor.iterdir():
        if old != part:
            shutil.rmtree(old)
    part.replace(target)
    total = sum(path.stat().st_size for path in target.iterdir() if path.suffix != ".gz")
    say(f"{len(list(target.iterdir()))} files, {total / 1e6:.1f} MB, in {target}")
    return target


def install(workshop: Workshop, node: Node, say: Node.Say) -> None:
    """Install the locked packages into the build folder, unless these very ones are there."""
    stamp = workshop.build / "installed"
    wanted = hashlib.sha256((workshop.root / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted and workshop.modules.is_dir():
        return
    workshop.build.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    for name in _LOCKED:
        shutil.copyfile(workshop.root / name, workshop.build / name)
    say("installing the locked packages")
    result = node.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], workshop.build)
    if result.returncode != 0:
        raise TryLater(
            "web.npm",
            f"npm ci failed: {result.stderr.strip()[-600:]}",
            "See that the package registry answers (npm ping), then run it again.",
            folder=workshop.build,
        )
    stamp.write_text(wanted)


def _bundle(workshop: Workshop, node: Node, target: Path, kind: str) -> None:
    entry = workshop.build / target.name
    shutil.copyfile(ENTRIES / target.name, entry)
    script = workshop.modules / "esbuild" / "bin" / "esbuild"
    options = ["--bundle", "--minify", f"--format={kind}", "--target=es2022", "--legal-comments=none", "--log-level=warning"]
    result = subprocess.run(
        [node.program, str(script), str(entry), *options, f"--outfile={target}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if result.returncode != 0:
        raise Broken("web.bundle", f"esbuild failed: {result.stderr.strip()[-600:]}", f"Correct bundle/{target.name}.")


def _copy(modules: Path, target: Path) -> None:
    for name, source in _COPIES.items():
        text_or_font = (modules / source).read_bytes()
        (target / name).write_bytes(_without_map(text_or_font) if name.endswith(".js") else text_or_font)
    # In one file: htmx starts itself a moment after it is read, and an extension that comes later would miss the page.
    (target / "htmx.js").write_bytes(b";\n".join(_without_map((modules / source).read_bytes()) for source in _HTMX))
    # The design system asks for a font that it does not ship; ours answers to that name too.
    fonts = [_FONT_FACE % name for name in ("Inter", "Siemens Sans")]
    styles = [*fonts, *((modules / source).read_text() for source in _THEMES)]
    (target / "ix.css").write_text("\n".join(styles))


def _without_map(script: bytes) -> bytes:
    lines = script.rstrip().splitlines(keepends=True)
    return b"".join(lines[:-1] if lines[-1].startswith(b"//# sourceMappingURL=") else lines)


def _compress(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.suffix in _COMPRESSED:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _manifest(workshop: Workshop, folder: Path) -> dict[str, object]:
    packages = json.loads((workshop.root / "package-lock.json").read_text())["packages"]
    carried = [
        {"name": path.removeprefix("node_modules/"), "version": entry["version"], "licence": entry.get("license", "?")}
        for path, entry in packages.items()
        if path and not entry.get("dev")
    ]
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.suffix != ".gz"
    }
    return {"packages": carried, "sha256": files}


def main() -> int:
    """Build, saying what is done; returns the exit code."""
    started = time.perf_counter()

    def say(text: str) -> None:
        sys.stderr.write(f"[{time.perf_counter() - started:5.1f} s] {text}\n")

    try:
        build(Workshop.of_checkout(), say)
    except (TryLater, Broken) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
